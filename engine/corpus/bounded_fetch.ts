/** A GET of a file from a server that is not trusted: bounded in time and size, and never led to another host. */
import { EngineError, FileFormatError, NotFoundError } from "../errors.ts";

/** How long a file may take, its body included, in ms. */
const DEFAULT_TIMEOUT_MS = 30_000;

const MAX_REDIRECTS = 3;

export interface FetchBounds {
  readonly maxBytes: number;
  /** Default: 30 000. */
  readonly timeoutMs?: number;
}

/**
 * The bytes at a URL.
 *
 * @throws {NotFoundError} if the server answers 404
 * @throws {FileFormatError} if there are more bytes than allowed
 * @throws {EngineError} if it cannot be reached, answers otherwise, takes too long or leads to another host
 */
export async function fetchBounded(
  url: string,
  { maxBytes, timeoutMs = DEFAULT_TIMEOUT_MS }: FetchBounds,
): Promise<Uint8Array> {
  try {
    const response = await follow(new URL(url), AbortSignal.timeout(timeoutMs));
    try {
      if (response.status === 404) throw new NotFoundError(`There is nothing at ${url}: its server answered 404`);
      if (response.status !== 200) {
        throw new EngineError(`Cannot fetch ${url}: its server answered ${response.status}, expected 200`);
      }
      return await readBody(response, url, maxBytes);
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const reason = cause instanceof DOMException && cause.name === "TimeoutError"
      ? `it took longer than ${timeoutMs} ms`
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new EngineError(`Cannot fetch ${url}: ${reason}`, { cause });
  }
}

/** The answer after redirects, of which only those to the same host are followed. */
async function follow(url: URL, signal: AbortSignal): Promise<Response> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(at, { redirect: "manual", credentials: "omit", signal });
    const location = response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, at);
    // Going over to https is the one change of origin that gives nothing away.
    const isSameHost = next?.host === at.host && (next.protocol === at.protocol || next.protocol === "https:");
    if (next === null || !isSameHost) {
      throw new EngineError(
        `Cannot fetch ${url}: its server leads to ${next?.origin ?? "no URL"}, expected redirects on ${at.origin} only`,
      );
    }
    at = next;
  }
  throw new EngineError(`Cannot fetch ${url}: its server redirects more than ${MAX_REDIRECTS} times`);
}

/** Counts while it reads: what a server says of its answer's length need not be true. */
async function readBody({ body }: Response, url: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) {
      throw new FileFormatError(`Cannot read ${url}: it has more than ${maxBytes} bytes`);
    }
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
