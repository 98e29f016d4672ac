import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { aboutRequests, createLog, logAbout, logDestination } from "../../src/operations/log.ts";

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
