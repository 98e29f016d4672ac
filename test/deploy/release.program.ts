import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-release-"));
  const files = await runProgram("git", ["ls-files", "-z"], { cwd: root });
  for (const path of files.split("\0").filter((each) => each !== "" && !each.startsWith("docs/images/"))) {
    await cp(join(root, path), join(folder, path));
  }
  await git("init", "--quiet", "--initial-branch=main");
  await git("config", "user.email", "release@example.com");
  await git("config", "user.name", "release");
  await commit("feat: everything");
  await git("tag", "v0.1.0");
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  // .gitignore means a folder of this name, not a link.
  await writeFile(join(folder, ".git/info/exclude"), "node_modules\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const git = (...args: readonly string[]) => runProgram("git", args, { cwd: folder });
const commit = async (message: string) => {
  await git("add", "--all");
  await git("commit", "--quiet", "--allow-empty", "--message", message);
};
/** `npm run release`, without the look for missing packages: they are those of this project. */
const release = () => runProgram(process.execPath, ["--import", "tsx", "scripts/release.ts"], { cwd: folder });
const read = (path: string) => readFile(join(folder, path), "utf8");

test("a release takes version and notes from the commits, renders the manifests again, and commits nothing", async () => {
  await expect(release()).rejects.toThrow("No commit since v0.1.0 changes the product.");
  await commit("feat(slack): a new command");
  await commit("fix(worker): end it once");

  const said = await release();

  expect(said).toContain("git tag --sign v0.2.0");
  expect((await git("log", "--oneline")).trim().split("\n")).toHaveLength(3);
  expect(await read("CHANGELOG.md")).toMatch(/^## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d$/m);
  expect(await read("CHANGELOG.md")).toContain(
    "### Added\n\n- slack: a new command\n\n### Fixed\n\n- worker: end it once",
  );
  expect(await read("deploy/helm/Chart.yaml")).toMatch(/^version: 0\.2\.0\nappVersion: 0\.2\.0$/m);
  expect(await read("deploy/kubernetes/worker.yaml")).toContain("image: eks-access:0.2.0");
  const changed = (await git("status", "--porcelain"))
    .trim()
    .split("\n")
    .map((line) => line.trim().split(" ").at(-1));
  expect(changed).toEqual([
    "CHANGELOG.md",
    "deploy/helm/Chart.yaml",
    "deploy/kubernetes/kustomization.yaml",
    "deploy/kubernetes/slack.yaml",
    "deploy/kubernetes/worker.yaml",
    "package-lock.json",
    "package.json",
    "test/deploy/rendering.json",
  ]);
  await expect(release()).rejects.toThrow("Commit or remove your changes first");
});

test("what npm would publish has the product, its pages and what installs it, and nothing of the tests and stand-ins", async () => {
  const packed: unknown = JSON.parse(await runProgram("npm", ["pack", "--dry-run", "--json"], { cwd: folder }));
  const [{ files, unpackedSize }] = z
    .tuple([z.looseObject({ files: z.array(z.looseObject({ path: z.string() })), unpackedSize: z.number() })])
    .parse(packed);
  const paths = files.map(({ path }) => path);
  console.info(`npm would publish ${paths.length} files, ${(unpackedSize / 1e6).toFixed(1)} MB`);

  for (const path of ["dist/bin/eks-access.js", "deploy/helm/Chart.yaml", "manifest.yml", "LICENSE"]) {
    expect(paths).toContain(path);
  }
  expect(
    paths.filter((path) => /^(?:src|test|sandbox|scripts|\.github|\.ci)\/|dist\/sandbox|\.env$|\.ts$/.test(path)),
  ).toEqual([]);
  expect(unpackedSize).toBeLessThan(5e6);
});
