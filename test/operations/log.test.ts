import { type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";

/** A process that does this. Its log is its standard output. */
function logging(statement: string, stdio: StdioOptions = ["ignore", "pipe", "inherit"]) {
  const log = new URL("../../src/operations/log.ts", import.meta.url);
  const program = `import { createLog } from ${JSON.stringify(log.href)}; const log = createLog("info", "worker"); ${statement}`;
  const flags = ["--import", import.meta.resolve("tsx"), "--input-type=module", "--eval"];
  return spawn(process.execPath, [...flags, program], { stdio });
}

async function linesOf({ stdout }: ReturnType<typeof logging>): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: stdout ?? expect.fail() }))
    lines.push(JSON.parse(line) as Record<string, unknown>);
  return lines;
}

/** The first line that it logs. */
async function logged(statement: string): Promise<Record<string, unknown>> {
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
  child.stdin?.end("go on");

  const lines = await linesOf(child);

  const gap = lines.findIndex((line) => "lines" in line);
  expect(lines.slice(0, gap).map(({ n }) => n)).toEqual(Array.from({ length: gap }, (_, n) => n));
  expect(lines[gap]).toMatchObject({ level: 50, lines: 40_001 - gap - lines.slice(gap + 1).length });
});

test("a full disk ends no process", async () => {
  const child = logging('log.info("hello"); setTimeout(() => log.info("again"), 100);', [
    "ignore",
    openSync("/dev/full", "w"),
    "inherit",
  ]);

  expect(await once(child, "exit")).toEqual([0, null]);
});
