import { expect, test } from "vitest";
import { readAuditOptions } from "../../src/bin/audit.ts";

test.each(Object.getOwnPropertyNames(Object.prototype))("audit %s is no command", (verb) => {
  const read = readAuditOptions([verb]);

  expect(read).toBe("Use verify, export, show, review or erase.");
});
