import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** A process's standard output after this statement: pino writes there by itself. */
async function logged(statement: string): Promise<Record<string, unknown>> {
  const log = new URL("../../src/operations/log.ts", import.meta.url);
  const program = `import { createLog } from ${JSON.stringify(log.href)}; const log = createLog("info", "worker"); ${statement}`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--import",
    import.meta.resolve("tsx"),
    "--input-type=module",
    "--eval",
    program,
  ]);
  return JSON.parse(stdout) as Record<string, unknown>;
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
