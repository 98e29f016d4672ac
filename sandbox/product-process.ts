import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

export type ProductProcess = ReturnType<typeof spawnProduct>;

/** How to run `eks-access`: with this process's flags, so that it works from the sources and after a build. */
export type Program = { readonly script: string; readonly nodeFlags: readonly string[] };

type Command = "slack" | "worker" | "all";

/** With only this environment. Waits until it is ready. @throws Error with its log, if it ends before */
export async function startProduct(
  program: Program,
  command: Command,
  environment: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
) {
  const started = spawnProduct(program, command, environment, argv);
  await Promise.race([
    started.logged('"msg":"ready"'),
    started.exited.then((code) => Promise.reject(endedEarly(command, code, started.log))),
  ]);
  return started;
}

/**
 * The shell becomes the program after it, and leaves a subshell that reads a pipe from this process. It gets a signal's name, or the
 * pipe's end when this process ends, even by SIGKILL. So nothing outlives its process, to come back when another takes its Redis' port.
 */
export const lifeline = [
  ...["/bin/sh", "-c"],
  'exec 3<&0; (read -r signal <&3 || signal=KILL; kill -"$signal" $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-',
  "sh",
] as const;

/** @param output where it writes its log; by default `log` */
export function spawnProduct(
  program: Program,
  command: Command,
  environment: Readonly<Record<string, string>>,
  argv: readonly string[] = [],
  output: "pipe" | number = "pipe",
) {
  const [shell, ...become] = lifeline;
  const child = spawn(shell, [...become, process.execPath, ...program.nodeFlags, program.script, command, ...argv], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ["pipe", output, "pipe"],
  });
  child.stdin?.on("error", () => {});
  const log: string[] = [];
  const lines = new EventEmitter();
  // "exit" comes before what is left in the pipes, and the last words say why it ended.
  const exited = once(child, "close").then(([code]) => code as number | null);
  collect(child, log, lines);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  /** Resolves when this many lines of its log have this text; earlier lines count. */
  const logged = async (text: string, wanted = 1) => {
    while (log.filter((line) => line.includes(text)).length < wanted) await once(lines, "line");
  };
  return {
    pid: child.pid ?? 0,
    log,
    exited,
    logged,
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
  };
}

function collect(child: ChildProcess, log: string[], lines: EventEmitter): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on("line", (line) => {
      log.push(line);
      lines.emit("line");
    });
  }
}

function endedEarly(command: string, code: number | null, log: readonly string[]): Error {
  return new Error(`eks-access ${command} ended with code ${code} before it was ready:\n${log.join("\n")}`);
}

/** Below the default ports for outgoing connections (Linux from 32768, macOS and Windows from 49152). */
const [lowest, highest] = [10_240, 32_767];
const most = 1_000;

/** A port that was free a moment ago. It is none that the system can give to another program, and none that came before, here or elsewhere. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < most; tries += 1) {
    const port = randomInt(lowest, highest + 1);
    if ((await isOurs(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no free TCP port was found between ${lowest} and ${highest} in ${most} tries`);
}

/** The UDP port of the same number, which no one needs, is ours until this process ends: others choose ports the same way. */
function isOurs(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const mark = createSocket("udp4").unref();
    mark.once("error", () => mark.close(() => resolve(false)));
    mark.bind({ port, address: "127.0.0.1", exclusive: true }, () => resolve(true));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
