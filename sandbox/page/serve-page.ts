import type { Program } from "../product-process.ts";
import { startPageServer } from "./server/server.ts";
import { startTheatre } from "./stage/theatre.ts";

/** The page's usual port, easy to remember. */
const usualPort = 4477;

/**
 * Serves the sandbox as a page until the signal. Without a port it takes the usual one, or a free one if that is taken.
 * @throws Error if something does not start
 */
export async function servePage(
  program: Program,
  write: (text: string) => void,
  { signal, port }: { signal: AbortSignal; port: number | undefined },
): Promise<void> {
  write("Starting a Slack workspace, an AWS account, EKS clusters, a Redis, and the two processes of eks-access …\n");
  const theatre = await startTheatre(program, { everyMode: true });
  try {
    const page = await startPageServer(theatre, port ?? usualPort).catch((error: unknown) => {
      if (port !== undefined) throw error;
      return startPageServer(theatre, 0);
    });
    write(`\nThe sandbox is at ${page.url}\n\nIt is all on this machine. Ctrl-C ends it, and nothing stays behind.\n`);
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await page.stop();
  } finally {
    await theatre.stop();
  }
}
