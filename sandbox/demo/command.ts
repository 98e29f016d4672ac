import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startLivePage } from "../page/live/live-page.ts";
import { startLiveSandbox } from "../page/live/live-sandbox.ts";
import { startPageServer } from "../page/server.ts";
import type { Program } from "../product-process.ts";
import { narrate } from "./narration.ts";
import { playStory, storyConfiguration } from "./story.ts";

/** The product from its sources: it runs with this process's flags, tsx among them. */
const product = fileURLToPath(new URL("../../src/bin/eks-access.ts", import.meta.url));

const usage = `Usage: eks-access demo [--stay] [--port <number>]   shows the sandbox as a page, to play in
       eks-access demo --story                      plays the whole story in a terminal and narrates it
`;

/** `--stay` overrides `--story`, which `npm run demo` has. Exit code 0 as expected, 2 for unknown options. */
export async function demo(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === "string") {
    process.stderr.write(`eks-access demo: ${options}.\n\n${usage}`);
    return 2;
  }
  // The AWS SDK's warning about the age of Node is for operators: it stays in the worker's log.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const write = (text: string) => void process.stdout.write(text);
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  const program: Program = { script: product, nodeFlags: process.execArgv };
  try {
    await (options.stay
      ? servePage(program, write, { signal: stopping.signal, port: options.port })
      : playInTerminal(program, write));
    return 0;
  } catch (error) {
    write(`\nThe demo failed. ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function readOptions(argv: readonly string[]): { stay: boolean; port: number | undefined } | string {
  try {
    const options = { story: { type: "boolean" }, stay: { type: "boolean" }, port: { type: "string" } } as const;
    const { story = false, stay = false, port } = parseArgs({ args: [...argv], options }).values;
    if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) return `${port} is no port`;
    return { stay: stay || !story, port: port === undefined ? undefined : Number(port) };
  } catch (error) {
    const [mistake = ""] = String(error instanceof Error ? error.message : error).split(". ", 1);
    return mistake;
  }
}

async function playInTerminal(program: Program, write: (text: string) => void): Promise<void> {
  const narration = narrate({ write, colour: process.stdout.isTTY === true && !process.env.NO_COLOR });
  const options = { onCall: narration.called, everyMode: true, configuration: storyConfiguration };
  const { redis, sandbox, slack, worker, stop } = await startLiveSandbox(program, options);
  try {
    const [slackPid, workerPid] = [slack, worker].map(({ state }) => state().pid);
    write(
      `Redis: ${redis.origin}\nRunning: slack process ${slackPid}, worker ${workerPid}, and the sandbox in place of Slack, AWS and EKS\n`,
    );
    // Otherwise its first look at each new cluster would appear in the story's first step.
    await worker.logged("read the cluster's own memory", sandbox.clusters.size);
    await playStory(sandbox, narration);
    write("\nEvery step was as expected.\n");
  } finally {
    await stop();
  }
}

/** The page's usual port, easy to remember. */
const usualPort = 4477;

/** Until the signal. Without a port it takes the usual one, or a free one if that is taken. */
async function servePage(
  program: Program,
  write: (text: string) => void,
  { signal, port }: { signal: AbortSignal; port: number | undefined },
): Promise<void> {
  write("Starting a Slack workspace, an AWS account, EKS clusters, a Redis, and the two processes of eks-access …\n");
  const livePage = await startLivePage(program, { everyMode: true });
  try {
    const page = await startPageServer(livePage, port ?? usualPort).catch((error: unknown) => {
      if (port !== undefined) throw error;
      return startPageServer(livePage, 0);
    });
    write(`\nThe sandbox is at ${page.url}\n\nIt is all on this machine. Ctrl-C ends it, and nothing stays behind.\n`);
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await page.stop();
  } finally {
    await livePage.stop();
  }
}
