import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../../sandbox/product-process.ts";
import { aProgram } from "./a-program.ts";

const settings = fileURLToPath(new URL("../../deploy/compose/haproxy.cfg", import.meta.url));

export interface RunningProxy {
  readonly url: string;
  stop: () => Promise<void>;
}

/** The proxy of deploy/compose, with its own configuration, before two Slack processes at these ports of this machine. */
export async function aProxy(first: number, second: number): Promise<RunningProxy> {
  const { path, libraryPath } = await aProgram("haproxy", "usr/sbin/haproxy");
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(path, ["-db", "-f", settings], {
    env: {
      LD_LIBRARY_PATH: libraryPath,
      PROXY_ADDRESS: address,
      SLACK_1: `127.0.0.1:${first}`,
      SLACK_2: `127.0.0.1:${second}`,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await untilAnswers(`http://${address}`, child);
  return {
    url: `http://${address}`,
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await pause(50);
  }
  throw new Error(`HAProxy ended with code ${child.exitCode} before it answered`);
}
