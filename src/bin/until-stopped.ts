/** That somebody asks the process to stop. */
export interface StopRequest {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Resolves with the name of the first signal. */
  readonly asked: Promise<NodeJS.Signals>;
}

/**
 * Listens for signals. A second one ends the process at once. Call it first of all: a signal that nobody listens for ends
 * a process in the middle of its start, and where the process is the first one of its container, it is lost.
 */
export function listenForStop(): StopRequest {
  const stopping = new AbortController();
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.once("SIGINT", () => process.exit(130));
      process.once("SIGTERM", () => process.exit(143));
      stopping.abort();
      resolve(signal);
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
  return { signal: stopping.signal, asked };
}
