import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { compiledModule } from "../product.ts";

test("a free port can be bound, comes once, and is outside the range of outgoing connections", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(ports[0], "127.0.0.1", resolve));
  server.close();
  expect(new Set(ports).size).toBe(50);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test("two processes that choose at once get no port twice", async () => {
  const { script } = await compiledModule("sandbox/product-process.ts");
  const program = `import { freePort } from ${JSON.stringify(script)};
    for (let left = 500; left > 0; left -= 1) console.log(await freePort());
    process.stdin.resume();`;
  const choosing = [0, 1].map(() => spawn(process.execPath, ["--input-type=module", "--eval", program]));

  const chosen = await Promise.all(
    choosing.map(async ({ stdout, stdin }) => {
      const ports: string[] = [];
      for await (const port of createInterface(stdout)) if (ports.push(port) === 500) break;
      return { ports, end: () => stdin.end() };
    }),
  );

  for (const { end } of chosen) end();
  expect(new Set(chosen.flatMap(({ ports }) => ports)).size).toBe(1_000);
});

test("a process of the product dies with the one that started it, even when that one is killed", async () => {
  const module = await compiledModule("sandbox/product-process.ts");
  const program = { script: "", nodeFlags: ["--eval", "setInterval(() => {}, 1_000)"] };
  const script = `import { spawnProduct } from ${JSON.stringify(module.script)};
    console.log(spawnProduct(${JSON.stringify(program)}, "worker", {}).pid);`;
  const owner = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [pid] = (await once(createInterface(owner.stdout), "line")) as [string];
  const isRunning = () => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  };
  expect(isRunning()).toBe(true);

  owner.kill("SIGKILL");

  await expect.poll(isRunning).toBe(false);
});
