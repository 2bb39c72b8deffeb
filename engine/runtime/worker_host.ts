/** The worker's end of the line: answers requests one by one, in the order in which they come. */
import { describeError, type RequestMessage, type Requests, type ResponseMessage } from "./messages.ts";

/** An answer, with the buffers that move to the other thread instead of being copied. */
export interface Answer<Output> {
  readonly output: Output;
  readonly transfer?: readonly Transferable[];
}

/** One function for each request. */
export type Handlers<R extends Requests> = {
  readonly [K in keyof R]: (input: R[K]["input"]) => Promise<Answer<R[K]["output"]>>;
};

/** The part of a worker's global scope that is used. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<RequestMessage>) => void) | null;
  postMessage(message: ResponseMessage, transfer: Transferable[]): void;
}

/** Begins to answer. Call once, in the worker's entry file. */
export function serveWorker<R extends Requests>(handlers: Handlers<R>): void {
  const scope = globalThis as unknown as WorkerScope;
  let previous: Promise<void> = Promise.resolve();
  scope.onmessage = ({ data }) => {
    previous = previous.then(() => answer(scope, handlers, data));
  };
}

async function answer<R extends Requests>(
  scope: WorkerScope,
  handlers: Handlers<R>,
  request: RequestMessage,
): Promise<void> {
  const { id, name, input } = request;
  try {
    const handler = handlers[name];
    if (handler === undefined) throw new TypeError(`Internal: the worker has no handler for ${name}`);
    const { output, transfer = [] } = await handler(input);
    scope.postMessage({ id, ok: true, output }, [...transfer]);
  } catch (error) {
    scope.postMessage({ id, ok: false, error: describeError(error) }, []);
  }
}
