import { narrate } from "../sandbox/demo/narration.ts";
import { playOn } from "../sandbox/demo/play.ts";
import { playStory } from "../sandbox/demo/story.ts";
import { freePort } from "../sandbox/free-port.ts";
import { type Program, startProduct } from "../sandbox/product-process.ts";
import { provideRedis } from "../sandbox/redis/provide-redis.ts";
import { startSandbox } from "../sandbox/sandbox.ts";

/** `eks-access demo [--stay]`: the whole story in a sandbox. Returns 0 where every step was as expected. */
export async function demo(argv: readonly string[]): Promise<number> {
  // The AWS SDK's word on the age of Node is for operators; the worker's log has it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
  const write = (text: string) => void process.stdout.write(text);
  const narration = narrate({ write, colour: process.stdout.isTTY === true && !process.env.NO_COLOR });
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const redis = await provideRedis();
    stops.unshift(redis.stop);
    const sandbox = await startSandbox({ onCall: narration.called });
    stops.unshift(sandbox.stop);
    const port = await freePort();
    const program: Program = { script: process.argv[1] ?? "", nodeFlags: process.execArgv };
    const [slack, worker] = await Promise.all([
      startProduct(program, "slack", sandbox.environmentOf("slack", { redisUrl: redis.url, port })),
      startProduct(program, "worker", sandbox.environmentOf("worker", { redisUrl: redis.url })),
    ]);
    stops.unshift(slack.stop, worker.stop);
    sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
    write(
      `Redis: ${redis.origin}\nRunning: slack process ${slack.pid}, worker ${worker.pid}, and the sandbox that stands in for Slack, AWS and EKS\n`,
    );
    // Its first look at a new cluster would stand among the calls of the story's first step.
    await worker.logged("read the cluster's own memory");
    await playStory(sandbox, narration);
    write("\nEvery step was as expected.\n");
    if (argv.includes("--stay") && !stopping.signal.aborted) await playOn(sandbox, write, stopping.signal);
    return 0;
  } catch (error) {
    write(`\nThe demo failed. ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const stop of stops) await stop();
  }
}
