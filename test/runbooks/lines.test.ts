import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { leaseLabels } from "../../src/access/lease/own-bindings.ts";
import { commands } from "../../src/slack/app/commands.ts";
import { linesOf, runbooks, wordsOf } from "./runbook.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const composeFiles = ["docker-compose.yml", "deploy/compose/two.yml"];
const services = new Set(
  composeFiles.flatMap((file) => [...read(file).matchAll(/^ {2}([a-z][a-z0-9-]*):$/gm)].map(([, name = ""]) => name)),
);
const workloads = readdirSync(join(root, "deploy/kubernetes"))
  .filter((name) => name.endsWith(".yaml"))
  .flatMap((name) => [
    ...read(`deploy/kubernetes/${name}`).matchAll(/^kind: Deployment\nmetadata:\n {2}name: (\S+)$/gm),
  ])
  .map(([, name = ""]) => `deploy/${name}`);
const scripts = z
  .record(z.string(), z.string())
  .parse(z.looseObject({ bin: z.unknown() }).parse(load(read("package.json"))).bin);

/** The program's own words, and the options that each of them reads. */
const programs = [...read("src/bin/commands.ts").matchAll(/^ {2}([a-z]+): \{/gm)].map(([, name = ""]) => name);
const optionsOf = (name: string) =>
  readdirSync(join(root, "src/bin"))
    .filter((file) => file === `${name}.ts` || file.startsWith(`${name}-`))
    .map((file) => read(`src/bin/${file}`))
    .join("\n");

const all = [...runbooks.keys()].flatMap((heading) => linesOf(heading).map((line) => [heading, line] as const));
const of = (begin: string) => all.filter(([, line]) => line.startsWith(begin));

test("the page has lines of each kind", () => {
  for (const begin of ["eks-access ", "/eks-access ", "docker compose ", "kubectl "]) {
    expect(of(begin).length, begin).toBeGreaterThan(2);
  }
});

describe("a line of a runbook", () => {
  test.each(of("eks-access "))("in %s calls what there is: %s", (_heading, line) => {
    const [, name = "", ...args] = wordsOf(line);

    expect(programs).toContain(name);
    for (const arg of args.filter((each) => each.startsWith("--"))) expect(optionsOf(name)).toContain(arg.slice(2));
  });

  test.each(of("/eks-access "))("in %s is a command in Slack: %s", (_heading, line) => {
    expect(commands.map(({ word }) => word)).toContain(wordsOf(line)[1]);
  });

  test.each(of("docker compose "))("in %s names files and services that there are: %s", (_heading, line) => {
    const words = wordsOf(line.replaceAll('"$each"', "")).slice(2);
    const files = words.filter((_, index) => words[index - 1] === "-f");
    const rest = words.filter((word) => !word.startsWith("-") && !files.includes(word));
    const [verb = "", ...named] = rest;

    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    expect(["up", "build", "stop", "restart", "run", "logs"]).toContain(verb);
    expect(named.filter((name) => !services.has(name) && name !== "COMMAND")).toEqual([]);
  });

  test("with a loop over the services names all of ours, the new ones first", () => {
    const loops = all.flatMap(([, line]) => /^for each in (.+); do$/.exec(line)?.[1]?.split(" ") ?? []);

    expect(loops).toEqual(["slack-2", "slack", "worker-2", "worker"]);
    expect(loops.filter((name) => !services.has(name))).toEqual([]);
  });

  test.each(of("kubectl "))("in %s names workloads that the manifests have: %s", (_heading, line) => {
    const named = wordsOf(line).filter((word) => word.startsWith("deploy/"));

    expect(named.filter((name) => !workloads.includes(name))).toEqual([]);
  });
});

test("the line that lists the bindings of leases selects those that we create", () => {
  const selectors = of("kubectl get rolebindings").map(([, line]) => wordsOf(line).at(-1));

  expect(selectors).toEqual([Object.entries(leaseLabels).flat().join("=")]);
});

test("what runs within the image is what the image has", () => {
  const [intro = ""] = read("docs/operating.md").split("\n## Install\n").slice(0, 1);

  expect(intro).toContain(
    `exec ${workloads.find((each) => each.endsWith("worker"))} -- node ${scripts["eks-access"]} COMMAND`,
  );
  expect(intro).toContain("docker compose run --rm worker COMMAND");
  const [, port = ""] = /127\.0\.0\.1:(\d+)\/metrics/.exec(intro) ?? [];
  for (const file of ["docker-compose.yml", "deploy/kubernetes/worker.yaml", "deploy/kubernetes/slack.yaml"]) {
    expect(read(file)).toMatch(new RegExp(`HEALTH_PORT(: |, value: )"${port}"`));
  }
});
