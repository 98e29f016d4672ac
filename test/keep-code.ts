import { freePort } from "../sandbox/free-port.ts";
import { type Program, startProduct } from "../sandbox/product-process.ts";
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
    slack.until(() => slack.messages(channel).find((each) => textOf(each).includes(text)));

  const processes = await Promise.all([start("slack"), start("worker")]);
  try {
    const line = `/eks-access request ${clusterName} ${arns.engineer} viewer for 1h look into it`;
    await slack.person("U0ENGINEER").command(line, channel);
    await slack.person("U0APPROVER").click(await message("[Approve]"), "approve");
    await message("*Active*");
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
    await Promise.all([sandbox.stop(), redis.close()]);
  }
}
