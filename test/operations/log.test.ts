import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const log = fileURLToPath(new URL("../../src/operations/log.ts", import.meta.url));

/** What a process writes to standard output that logs so: pino writes there by itself. */
function logged(statement: string): Record<string, unknown> {
  const program = `import { createLog } from ${JSON.stringify(log)}; const log = createLog("info", "worker"); ${statement}`;
  const flags = ["--import", "tsx", "--input-type=module", "--eval", program];
  const line = execFileSync(process.execPath, flags, {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  return JSON.parse(line) as Record<string, unknown>;
}

test("a line is JSON that names the process", () => {
  expect(logged('log.info({ cluster: "staging" }, "ready");')).toMatchObject({
    process: "worker",
    cluster: "staging",
    msg: "ready",
  });
});

test("of an error only its name, message, code, stack and cause are written, without credentials", () => {
  const line = logged(`
    const cause = Object.assign(new Error("GET https://sts/?X-Amz-Signature=hunter2secret"), { code: "ECONNRESET" });
    const error = new TypeError("token k8s-aws-v1.hunter2secret", { cause });
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

test("what was thrown and is no error is written too, without credentials", () => {
  expect(logged('log.error({ err: "Bearer hunter2secretlong" }, "a call failed");').err).not.toContain("hunter2secret");
});
