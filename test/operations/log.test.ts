import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { AccessError } from "../../src/access/access-error.ts";
import { aboutRequests, createLog, FailureLog, logAbout, logDestination } from "../../src/operations/log.ts";
import { at, hours } from "../builders/times.ts";
import { compiledModule } from "../product.ts";

const { script } = await compiledModule("src/operations/log.ts");

/** A process that does this. Its log is its standard output. */
function logging(statement: string, stdio: StdioOptions = ["ignore", "pipe", "inherit"]) {
  const program = `import { createLog } from ${JSON.stringify(script)}; const log = createLog("info", "worker"); ${statement}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio });
}

type Line = Readonly<Record<string, unknown>>;

async function linesOf({ stdout }: ReturnType<typeof logging>, onLine: (line: Line) => void = () => {}) {
  const lines: Line[] = [];
  for await (const text of createInterface({ input: stdout ?? expect.fail() })) {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line);
  }
  return lines;
}

/** The first line that it logs. */
async function logged(statement: string): Promise<Line> {
  const [line = {}] = await linesOf(logging(statement));
  return line;
}

test("a line is JSON that names the process", async () => {
  expect(await logged('log.info({ cluster: "staging" }, "ready");')).toMatchObject({
    process: "worker",
    cluster: "staging",
    msg: "ready",
  });
});

test("of an error only its name, message, code, stack and cause are written, without credentials", async () => {
  const line = await logged(`
    const cause = Object.assign(new Error("GET https://sts/?X-Amz-Signature=hunter2secret"), { code: "ECONNRESET" });
    const error = new TypeError("token k8s-aws-v1.hunter2secret", { cause });
    cause.cause = error;
    Object.assign(error, { request: { headers: { authorization: "Bearer hunter2secret" } } });
    log.error({ err: error }, "a call failed");
  `);

  expect(line.err).toMatchObject({
    type: "TypeError",
    message: "token k8s-aws-v1.[redacted]",
    cause: { message: "GET https://sts/?X-Amz-Signature=[redacted]", code: "ECONNRESET" },
  });
  expect(JSON.stringify(line)).not.toContain("hunter2secret");
});

test("a thrown value that is no error is logged too, without credentials", async () => {
  const line = await logged('log.error({ err: "Bearer hunter2secretlong" }, "a call failed");');

  expect(line.err).not.toContain("hunter2secret");
});

test("no line before a crash is lost, and all keep their order", async () => {
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  const child = logging('for (let n = 0; n < 200; n += 1) log.info({ n }); log.fatal("the end"); process.exit(1);');

  const lines = await linesOf(child);

  expect(lines.slice(0, -1).map(({ n }) => n)).toEqual(numbers);
  expect(lines.at(-1)).toMatchObject({ level: 60, msg: "the end" });
});

test("what a reader leaves too long is lost in one gap, which says how many lines it had", async () => {
  const child = logging(
    `for (let n = 0; n < 40_000; n += 1) log.info({ n });
    process.stderr.write("full");
    process.stdin.once("data", () => log.info("read again"));`,
    ["pipe", "pipe", "pipe"],
  );
  await once(child.stderr ?? expect.fail(), "data");
  child.stdin?.write("go on");

  // It ends after the gap is read: at its end it would not wait for this process as long as a busy machine can make it wait.
  const lines = await linesOf(child, (line) => void ("lines" in line && child.stdin?.end()));

  const gap = lines.findIndex((line) => "lines" in line);
  expect(lines.slice(0, gap).map(({ n }) => n)).toEqual(Array.from({ length: gap }, (_, n) => n));
  expect(lines[gap]).toMatchObject({ level: 50, lines: 40_001 - gap - lines.slice(gap + 1).length });
});

test("a process that was too busy to write loses no line at its end to a reader that took all before it", async () => {
  const child = logging(
    `for (let n = 0; n < 8_000; n += 1) log.info({ n });
    const busyUntil = (at) => { while (performance.now() < at); };
    setTimeout(() => { process.stderr.write("full"); busyUntil(performance.now() + 2_500); process.exit(); }, 100);`,
    ["ignore", "pipe", "pipe"],
  );
  await once(child.stderr ?? expect.fail(), "data");

  expect(await linesOf(child)).toHaveLength(8_000);
});

test("a full disk ends no process", async () => {
  const child = logging('log.info("hello"); setTimeout(() => log.info("again"), 100);', [
    "ignore",
    openSync("/dev/full", "w"),
    "inherit",
  ]);

  expect(await once(child, "exit")).toEqual([0, null]);
});

/** These lines as a terminal shows them. */
async function shown(tell: (log: ReturnType<typeof createLog>) => void, isColoured = false): Promise<string> {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  tell(createLog("info", "worker", await logDestination("auto", terminal, isColoured)));
  return String(terminal.read() ?? "");
}

describe("a log in a terminal", () => {
  test("is a line for people, with the request's id before all else", async () => {
    const line = await shown((log) => log.info({ request: "r-7k2m9x4q", cluster: "staging" }, "recorded"));

    expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: r-7k2m9x4q recorded cluster=staging\n$/);
  });

  test("is coloured where it may be", async () => {
    const line = await shown((log) => log.info({ request: "r-7k2m9x4q" }, "recorded"), true);

    expect(line).not.toBe(stripVTControlCharacters(line));
    expect(stripVTControlCharacters(line)).toContain("INFO: r-7k2m9x4q recorded");
  });

  test("carries out nothing of what is in a name, such as a request's in Redis", async () => {
    const line = await shown((log) =>
      log.info({ request: "r-1\x1b[2J\u009b8m\u202e", cluster: "a\x1b]0;b\x07" }, "recorded"),
    );

    expect(line).toContain("r-1\\u001b[2J\\u009b8m\\u202e recorded");
    expect(line).not.toMatch(/[^\P{C}\n]/u);
  });

  test("takes no colour from a name", async () => {
    const line = await shown((log) => log.info({ request: "r-1\x1b[31m", cluster: "a\x1b[32m" }, "b\x1b[33m"), true);

    expect(line).toContain("r-1\\u001b[31m");
    for (const colour of ["\x1b[31m", "\x1b[33m"]) expect(line).not.toContain(colour);
  });

  test("is one line for an error too, without credentials", async () => {
    const error = new Error("two\nlines of k8s-aws-v1.hunter2secret");
    const line = await shown((log) => log.warn({ cluster: "staging", err: error }, "preview failed"));

    expect(line.trimEnd().split("\n")).toHaveLength(1);
    expect(line).toContain("WARN: preview failed cluster=staging err=");
    expect(line).not.toContain("hunter2secret");
  });
});

describe("while something is done about requests, a line of the log", () => {
  const told = async (ids: readonly string[], own: object = {}): Promise<unknown> => {
    const output = new PassThrough();
    const log = createLog("info", "worker", output);
    await aboutRequests(ids, async () => {
      await Promise.resolve();
      log.warn(own, "preview failed");
    });
    return JSON.parse(String(output.read()));
  };

  test("names the request, or all of them", async () => {
    expect(await told(["r-7k2m9x4q"])).toMatchObject({ request: "r-7k2m9x4q" });
    expect(await told(["r-7k2m9x4q", "r-3cdqhwjk"])).toMatchObject({ requests: ["r-7k2m9x4q", "r-3cdqhwjk"] });
  });

  test("of a log about one request names it", () => {
    const output = new PassThrough();
    logAbout(createLog("info", "slack", output), "r-7k2m9x4q").warn("could not update a message");

    expect(JSON.parse(String(output.read()))).toMatchObject({ request: "r-7k2m9x4q" });
  });

  test("that names its own request keeps that one", async () => {
    const line = await told(["r-7k2m9x4q", "r-3cdqhwjk"], { request: "r-3cdqhwjk" });

    expect(line).toMatchObject({ request: "r-3cdqhwjk" });
    expect(line).not.toHaveProperty("requests");
  });
});

test("a log in JSON carries out nothing either, and a program reads each name itself", () => {
  const output = new PassThrough();
  const cluster = "a\x1b[2J\u009b8m\u202e\u{e0041}";
  createLog("info", "worker", output).info({ cluster }, "recorded");
  const line = String(output.read());

  expect(line).not.toMatch(/[^\P{C}\n]/u);
  expect(JSON.parse(line)).toMatchObject({ cluster });
});

test.each([
  ["into a pipe", "auto", false],
  ["in a terminal that wants JSON", "json", true],
] as const)("a log %s is JSON", async (_where, format, isTTY) => {
  expect(await logDestination(format, Object.assign(new PassThrough(), { isTTY }), true)).toBeUndefined();
});

const denied = new AccessError("cluster-forbidden", "The API server refused get configmaps");
const about = { cluster: "staging" };

/** A log of repeated failures. */
function aLog() {
  const lines: { level: number; msg: string; tries?: number; err?: { code: string } }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const clock = { now: at(0) };
  const failures = new FailureLog(log, () => clock.now);
  const fail = (times: number, error: unknown = denied) => {
    for (let time = 0; time < times; time += 1) failures.failed("reconcile failed", about, error);
  };
  return { lines, clock, failures, fail };
}

test("each cause is logged once with its stack, and then how often it came: at the 2nd, 4th, 8th … time", () => {
  const { lines, fail } = aLog();

  fail(100);

  expect(lines.filter(({ err }) => err)).toHaveLength(1);
  expect(lines.slice(1).map(({ tries }) => tries)).toEqual([2, 4, 8, 16, 32, 64]);
});

test("another cause has its stack, too, and causes that take turns are each new once", () => {
  const { lines, fail } = aLog();

  for (let round = 0; round < 10; round += 1) {
    fail(1);
    fail(1, new AccessError("cluster-unreachable", "The API server did not answer"));
  }

  expect(lines.filter(({ err }) => err).map(({ err }) => err?.code)).toEqual([
    "cluster-forbidden",
    "cluster-unreachable",
  ]);
});

test("a cause that names another request of AWS each time is the same one", () => {
  const { lines, fail } = aLog();

  for (const id of ["1b2c", "9f8e"]) fail(1, new Error(`500 (request 0a1b2c3d-0000-4000-8000-00000000${id}, try 17)`));

  expect(lines.filter(({ err }) => err)).toHaveLength(1);
});

test("a recovery is logged once with the number of failures, and a new failure has its stack again", () => {
  const { lines, failures, fail } = aLog();
  fail(3);

  failures.over("reconcile failed", about);
  failures.over("reconcile failed", about);
  fail(1);

  expect(lines.map(({ msg, tries, err }) => [msg, tries, err !== undefined])).toEqual([
    ["reconcile failed", undefined, true],
    ["reconcile failed", 2, false],
    ["reconcile failed: it works again", 3, false],
    ["reconcile failed", undefined, true],
  ]);
});

test("what has not failed for an hour is not remembered", () => {
  const { lines, clock, fail } = aLog();
  fail(1);
  clock.now = at(hours(1.1));

  fail(1);

  expect(lines.filter(({ err }) => err)).toHaveLength(2);
});
