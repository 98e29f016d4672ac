import { readdirSync, readFileSync } from "node:fs";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const folder = new URL("../../.github/workflows/", import.meta.url);
const step = z.looseObject({
  uses: z.string().optional(),
  with: z.looseObject({}).optional(),
  run: z.string().optional(),
});
const permissions = z.record(z.string(), z.enum(["read", "write"]));
const job = z.looseObject({
  uses: z.string().optional(),
  "timeout-minutes": z.number().optional(),
  permissions: permissions.optional(),
  needs: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
  container: z.looseObject({ image: z.string() }).optional(),
  steps: z.array(step).default([]),
});
const workflow = z.looseObject({
  on: z.looseObject({}),
  permissions,
  jobs: z.record(z.string(), job),
});
const workflows = readdirSync(folder).map((file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  return { ...workflow.parse(load(text)), file, text };
});
const release = workflows.find(({ file }) => file === "release.yml") ?? expect.fail("there is no release.yml");
const scripts = z
  .looseObject({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))).scripts;

describe.each(workflows)("$file", ({ text, on, permissions, jobs }) => {
  const steps = Object.values(jobs).flatMap((each) => each.steps);

  test("takes each action by the commit, and says its version", () => {
    const uses = [...text.matchAll(/uses: (.+)$/gm)]
      .map(([, each = ""]) => each)
      .filter((each) => !each.startsWith("./"));

    expect(uses.length).toBeGreaterThan(2);
    expect(uses.filter((each) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(each))).toEqual([]);
  });

  test("runs in no image without its digest", () => {
    const images = Object.values(jobs).flatMap(({ container }) => container?.image ?? []);

    expect(images.filter((each) => !/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(each))).toEqual([]);
    expect(images).toHaveLength(text.split("container:").length - 1);
  });

  test("can read alone, but for the rights that a job names, and leaves no token in the checkout", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));

    expect(permissions).toEqual({ contents: "read" });
    expect(checkouts.filter((each) => each.with?.["persist-credentials"] !== false)).toEqual([]);
    expect(on).not.toHaveProperty("pull_request_target");
  });

  test("puts no expression into a script: what others write is a variable there", () => {
    expect(steps.filter(({ run }) => run?.includes("${{")).map(({ run }) => run)).toEqual([]);
  });

  test("runs scripts that package.json has, and without those of dependencies", () => {
    const lines = steps.flatMap(({ run = "" }) => run.split("\n"));
    const named = lines.flatMap((line) => /npm run (?:--silent )?([\w:]+)/.exec(line)?.[1] ?? []);

    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    expect(lines.filter((line) => line.includes("npm ci") && !line.includes("--ignore-scripts"))).toEqual([]);
  });

  test("can't hang for hours", () => {
    const own = Object.entries(jobs).filter(([, each]) => each.uses === undefined);

    expect(own.filter(([, each]) => each["timeout-minutes"] === undefined).map(([name]) => name)).toEqual([]);
  });
});

describe("a release", () => {
  const scriptOf = (name: string) => (release.jobs[name]?.steps ?? []).map(({ run = "" }) => run).join("\n");

  test("publishes only what passed the tests, for a tag that is the version", () => {
    expect(release.on).toEqual({ push: { tags: ["v[0-9]+.[0-9]+.[0-9]+"] } });
    expect(release.jobs.ci?.uses).toBe("./.github/workflows/ci.yml");
    for (const name of ["image", "package"]) expect(release.jobs[name]?.needs).toEqual(["ci", "version"]);
    expect(release.jobs.chart?.needs).toContain("image");
    expect(scriptOf("version")).toContain('[ "$GITHUB_REF_NAME" = "v$version" ]');
  });

  test("builds the image for both processors on a base by digest, with SBOM and provenance, and signs the digest", () => {
    const script = scriptOf("image");

    expect(script).toContain("--platform linux/amd64,linux/arm64");
    expect(script).toContain("--sbom=true --provenance=mode=max");
    expect(script).toContain("s/^ARG NODE_IMAGE=//p");
    expect(script).not.toContain("--build-arg");
    expect(script).toContain('cosign sign --yes --recursive "$IMAGE@$DIGEST"');
  });

  test("pins the chart to that image: the lines that it replaces are in values.yaml", () => {
    const values = readFileSync(new URL("../../deploy/helm/values.yaml", import.meta.url), "utf8").split("\n");
    const replaced = [...scriptOf("chart").matchAll(/s\|\^(.+?)\$\|/g)].map(([, line = ""]) =>
      line.replaceAll('\\"', '"'),
    );

    expect(replaced).toEqual(["  repository: eks-access", '  digest: ""']);
    expect(replaced.filter((line) => !values.includes(line))).toEqual([]);
    expect(scriptOf("chart")).toContain('cosign sign --yes "$CHARTS/eks-access@$CHART"');
  });

  test("signs and publishes with the identity of the job, and no key of a person", () => {
    const keys = [...release.text.matchAll(/\$\{\{ *(secrets\.\w+)/g)].map(([, key]) => key);
    const signing = Object.entries(release.jobs).filter(([, each]) => each.permissions?.["id-token"] === "write");

    expect(keys).toEqual([]);
    expect(signing.map(([name]) => name)).toEqual(["image", "chart", "package"]);
    expect(scriptOf("package")).toContain("npm publish --provenance");
  });
});
