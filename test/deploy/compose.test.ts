import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ackDeadline } from "../../sandbox/slack/delivery.ts";
import { bodyLimitBytes } from "../../src/slack/app/admit.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const service = z.looseObject({
  env_file: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
});
const hardened = z.looseObject({
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
});
const services = (text: string) =>
  // `!reset` is Compose's own tag.
  z
    .object({ services: z.record(z.string(), z.unknown()) })
    .parse(parse(text.replaceAll("!reset ", ""), { merge: true })).services;

const base = services(read("docker-compose.yml"));
const two = services(read("deploy/compose/two.yml"));
const proxy = read("deploy/compose/haproxy.cfg");

describe("the compose file", () => {
  test("gives each process its own secrets and no others", () => {
    const files = (name: string) => service.parse(base[name]).env_file;

    expect(files("slack")).toEqual(["redis.env", "slack.env"]);
    expect(files("worker")).toEqual(["redis.env", "worker.env"]);
    expect(files("redis")).toEqual(["redis.env"]);
  });

  test.each(["slack", "worker", "redis"])("runs %s with a read-only root, without capabilities", (name) => {
    expect(hardened.safeParse(base[name]).error).toBeUndefined();
  });

  test.each(["slack", "worker"])("gives %s the memory that its pod has", (name) => {
    const pod = /limits:\n +memory: (\d+)Mi/.exec(read(`deploy/kubernetes/${name}.yaml`))?.[1];

    expect(base[name]).toMatchObject({ mem_limit: `${pod}m` });
  });

  test("opens nothing but the Slack process's port, on this machine alone", () => {
    const open = Object.values(base).flatMap((each) => service.parse(each).ports);

    expect(open).toEqual(["127.0.0.1:3000:3000"]);
  });
});

describe("the file for two of each", () => {
  test("adds a second of each that is made as the first, and the proxy in the place of the Slack process", () => {
    expect(two["slack-2"]).toMatchObject({ extends: { file: "docker-compose.yml", service: "slack" }, ports: [] });
    expect(two["worker-2"]).toEqual({ extends: { file: "docker-compose.yml", service: "worker" } });
    expect(two.slack).toEqual({ ports: [] });
    expect(service.parse(two.proxy).ports).toEqual(["127.0.0.1:3000:3000"]);
    expect(hardened.safeParse(two.proxy).error).toBeUndefined();
  });

  test("leads to both by their names, and lets through what the door lets through", () => {
    const names = [...proxy.matchAll(/^ {2}server (\S+) "\$\{SLACK_\d-(\S+):3000\}"/gm)].map(([, ...each]) => each);

    expect(names).toEqual([
      ["slack", "slack"],
      ["slack-2", "slack-2"],
    ]);
    expect(proxy).toContain(`req.body_size gt ${bodyLimitBytes} `);
  });

  test("gives up before Slack does", () => {
    const milliseconds = (name: string) => {
      const [, value, unit] = new RegExp(`timeout ${name} (\\d+)(ms|s)`).exec(proxy) ?? [];
      return Number(value) * (unit === "s" ? 1000 : 1);
    };

    expect(milliseconds("server")).toBeLessThan(ackDeadline);
    expect(milliseconds("connect") + milliseconds("queue")).toBeLessThan(ackDeadline);
  });
});
