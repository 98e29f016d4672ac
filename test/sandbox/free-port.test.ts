import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";

test("a free port can be bound, comes once, and is outside the range of outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(ports[0], "127.0.0.1", resolve));
  server.close();
  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});
