import { freePort, type Program, startProduct } from "../sandbox/product-process.ts";
import { startSandbox } from "../sandbox/sandbox.ts";
import { arns, channel, clusterName } from "../sandbox/scene.ts";
import { textOf } from "../sandbox/slack/message-content.ts";
import { aRedis } from "./redis.ts";

/** Runs both processes until a lease is active, so that test/run-compiled.ts keeps what V8 compiled for it. */
export async function keepCode(program: Program): Promise<void> {
  const [sandbox, redis, port] = await Promise.all([startSandbox(), aRedis(), freePort()]);
  const { slack } = sandbox;
  slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const start = (kind: "slack" | "worker") =>
    startProduct(program, kind, { ...sandbox.environmentOf(kind, { redisUrl: redis.url, port }), KEEP_CODE: "yes" });
  const message = (text: string) =>
    slack.until(() => slack.messages(channel).find((each) => textOf(each).includes(text)), 10_000);
  const lease = async () => {
    const line = `/eks-access request ${clusterName} ${arns.engineer} viewer for 1h look into it`;
    await slack.person("U0ENGINEER").command(line, channel);
    await slack.person("U0APPROVER").click(await message("[Approve]"), "approve");
    await message("*Active*");
  };

  const processes = await Promise.all([start("slack"), start("worker")]);
  try {
    // On a busy machine the first answers of a process that compiles itself come too late for Slack.
    await again(6, lease);
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
    await Promise.all([sandbox.stop(), redis.close()]);
  }
}

/** Acts again after a failure, so many times at most. */
export async function again<T>(times: number, act: () => Promise<T>): Promise<T> {
  return act().catch((error: unknown) => (times > 1 ? again(times - 1, act) : Promise.reject(error)));
}
