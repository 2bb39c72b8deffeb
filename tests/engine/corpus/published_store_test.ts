/** Published files on a server, which may answer anything. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fetchBounded } from "../../../engine/corpus/bounded_fetch.ts";
import { openPublishedStore, type PublishedStore } from "../../../engine/corpus/published_store.ts";
import { EngineError, FileFormatError, NotFoundError } from "../../../engine/errors.ts";

const TEXT = '{"a":"ä"}';

interface TestStore {
  readonly url: string;
  readonly store: PublishedStore;
  readonly cacheFolder: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
}

/** A server for as long as a test of it lasts. */
async function withServer(
  answer: (request: Request) => Response | Promise<Response>,
  test: (store: TestStore) => Promise<void>,
): Promise<void> {
  const cacheFolder = join(await Deno.makeTempDir(), "published");
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return answer(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  await test({ url, store: openPublishedStore(`${url}/data/neurons/`, cacheFolder), cacheFolder, asked });
  await Deno.remove(join(cacheFolder, ".."), { recursive: true });
}

function parseText(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

function parseStrictly(bytes: Uint8Array, name: string): unknown {
  try {
    return parseText(bytes);
  } catch {
    throw new FileFormatError(`Cannot read ${name}: no JSON`);
  }
}

const AT = { layer: 5, index: 12 };

Deno.test("a file from a server is fetched once and then read from disk", async () => {
  await withServer(() => new Response(TEXT), async ({ url, store, cacheFolder, asked }) => {
    assert.deepEqual(await store.read(AT, parseText), { a: "ä" });
    assert.deepEqual(await store.read(AT, parseText), { a: "ä" });
    assert.deepEqual(asked, ["/data/neurons/5/12.json"]);
    await store.read({ layer: 5, index: 13 }, parseText);
    assert.equal(asked.length, 2);
    const again = openPublishedStore(`${url}/data/neurons`, cacheFolder);
    assert.deepEqual(await again.read(AT, parseText), { a: "ä" });
    assert.equal(asked.length, 2);
    const kept = (await Array.fromAsync(Deno.readDir(cacheFolder))).map(({ name }) => name);
    assert.ok(kept.length === 2 && kept.every((name) => /^[0-9a-f]{64}\.json$/.test(name)), String(kept));
  });
});

Deno.test("a copy on disk that is damaged is fetched again", async () => {
  await withServer(() => new Response(TEXT), async ({ store, cacheFolder, asked }) => {
    await store.read(AT, parseStrictly);
    for await (const { name } of Deno.readDir(cacheFolder)) {
      await Deno.writeTextFile(join(cacheFolder, name), TEXT.slice(3));
    }
    assert.deepEqual(await store.read(AT, parseStrictly), { a: "ä" });
    assert.deepEqual(await store.read(AT, parseStrictly), { a: "ä" });
    assert.equal(asked.length, 2);
  });
});

Deno.test("what does not parse is not kept", async () => {
  let answer = "<!doctype html><title>Sign in</title>";
  await withServer(() => new Response(answer), async ({ url, store }) => {
    await assert.rejects(store.read(AT, parseStrictly), (error: unknown) => {
      return error instanceof FileFormatError && error.message.includes(`${url}/data/neurons/5/12.json`);
    });
    answer = TEXT;
    assert.deepEqual(await store.read(AT, parseStrictly), { a: "ä" });
  });
});

Deno.test("a disk that takes no copy costs nobody an answer", async () => {
  const file = await Deno.makeTempFile();
  await withServer(() => new Response(TEXT), async ({ url }) => {
    const store = openPublishedStore(url, join(file, "published"));
    assert.deepEqual(await store.read(AT, parseText), { a: "ä" });
  });
  await Deno.remove(file);
});

Deno.test("a store makes paths of whole numbers only", async () => {
  await withServer(() => new Response(TEXT), async ({ store, cacheFolder, asked }) => {
    for (const index of [-1, 0.5, NaN, 2 ** 60, "../1" as unknown as number]) {
      for (const own of [store, openPublishedStore(cacheFolder, cacheFolder)]) {
        await assert.rejects(own.read({ layer: 0, index }, parseText), /is no layer and no index/);
      }
    }
    assert.deepEqual(asked, []);
  });
});

const REFUSED: Readonly<Record<string, readonly [() => Response, typeof EngineError, RegExp]>> = {
  "404": [() => new Response("Not here", { status: 404 }), NotFoundError, /its server answered 404/],
  "500": [() => new Response(TEXT, { status: 500 }), EngineError, /its server answered 500, expected 200/],
  "403": [() => new Response(TEXT, { status: 403 }), EngineError, /its server answered 403/],
  "206": [() => new Response(TEXT, { status: 206 }), EngineError, /its server answered 206/],
  "a redirect without a place": [() => new Response(null, { status: 302 }), EngineError, /its server answered 302/],
  "a redirect to another host": [
    () => Response.redirect("http://other.example/x"),
    EngineError,
    /leads to http:\/\/other\.example, expected redirects on http:\/\/127/,
  ],
  "a redirect to a file": [
    () => new Response(null, { status: 301, headers: { location: "file:///x" } }),
    EngineError,
    /expected redirects on/,
  ],
  "redirects without end": [
    () => new Response(null, { status: 307, headers: { location: "/again" } }),
    EngineError,
    /redirects more than 3 times/,
  ],
  "more bytes than it may": [() => new Response("x".repeat(101)), FileFormatError, /it has more than 100 bytes/],
  "bytes without end": [
    () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(40)) })),
    FileFormatError,
    /it has more than 100 bytes/,
  ],
  "a body that breaks off": [
    () =>
      new Response(
        new ReadableStream({
          start(stream) {
            stream.enqueue(new Uint8Array(10));
            setTimeout(() => stream.error(new Error("Broken")), 20);
          },
        }),
      ),
    EngineError,
    /Cannot fetch http/,
  ],
};

for (const [what, [answer, errorClass, message]] of Object.entries(REFUSED)) {
  Deno.test(`fetchBounded() refuses ${what}`, async () => {
    await withServer(answer, async ({ url }) => {
      await assert.rejects(fetchBounded(`${url}/5/12.json`, { maxBytes: 100 }), (error: unknown) => {
        assert.ok(error instanceof errorClass && error.constructor === errorClass, String(error));
        assert.match(error.message, message);
        assert.match(error.message, /\/5\/12\.json/);
        return true;
      });
    });
  });
}

Deno.test("fetchBounded() follows a redirect on the same host", async () => {
  const answer = ({ url }: Request) =>
    url.endsWith("/old") ? Response.redirect(new URL("/new", url)) : new Response(TEXT);
  await withServer(answer, async ({ url, asked }) => {
    assert.deepEqual(parseText(await fetchBounded(`${url}/old`, { maxBytes: 100 })), { a: "ä" });
    assert.deepEqual(asked, ["/old", "/new"]);
  });
});

Deno.test("fetchBounded() gives up a server that does not begin, or does not end", async () => {
  let stop = () => {};
  const slow = new Promise<void>((resolve) => stop = resolve);
  const answers = {
    "/begins": () => new Response(new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) })),
    "/waits": async () => {
      await slow;
      return new Response(TEXT);
    },
  };
  await withServer((request) => answers[new URL(request.url).pathname as keyof typeof answers](), async ({ url }) => {
    for (const path of Object.keys(answers)) {
      await assert.rejects(fetchBounded(url + path, { maxBytes: 100, timeoutMs: 100 }), (error: unknown) => {
        return error instanceof EngineError && /it took longer than 100 ms/.test(error.message);
      });
    }
    stop();
  });
});

Deno.test("fetchBounded() says that nobody answers", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(fetchBounded(`http://127.0.0.1:${port}/`, { maxBytes: 100 }), (error: unknown) => {
    return error instanceof EngineError && /^Cannot fetch http/.test(error.message);
  });
});
