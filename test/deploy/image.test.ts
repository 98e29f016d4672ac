import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const lines = read("Dockerfile").replaceAll("\\\n", " ").split("\n");
const stages = read("Dockerfile")
  .split(/^FROM /m)
  .slice(1);

test("everything that the image copies is there, and is let through to the build", () => {
  const copied = lines
    .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .map((path) => path.replace(/^\.\//, ""));
  const letThrough = read(".dockerignore").split("\n");

  expect(copied.length).toBeGreaterThan(5);
  expect(copied.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  expect(copied.filter((path) => !letThrough.includes(`!${path}`))).toEqual([]);
  expect(letThrough).toContain("*");
});

test("no package's script runs in the build, and no tool of the build is in the image", () => {
  const installs = lines.filter((line) => line.includes("npm ci"));

  expect(installs).toHaveLength(2);
  expect(installs.filter((line) => !line.includes("--ignore-scripts"))).toEqual([]);
  expect(stages.at(-1)).toContain("COPY --from=dependencies /app/node_modules");
  expect(stages.find((stage) => stage.includes(" AS dependencies"))).toContain("--omit=dev");
});

test("it runs without root, as what package.json calls eks-access", () => {
  const bin = /"eks-access": "([^"]+)"/.exec(read("package.json"))?.[1];

  expect(stages.at(-1)).toMatch(/^USER node$/m);
  expect(lines).toContain(`ENTRYPOINT ["node", "${bin}"]`);
});
