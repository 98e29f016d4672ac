import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";

let slack: SandboxSlack;
let app: Server;
let heard: IncomingHttpHeaders[];
/** The status of each answer that the app gives, in order; 200 after the last. */
let statuses: number[];

beforeEach(async () => {
  heard = [];
  statuses = [];
  app = createServer((request, response) => {
    heard.push(request.headers);
    request.resume();
    response.writeHead(statuses.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  slack = await startSandboxSlack();
  slack.connect(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
});

afterEach(async () => {
  await slack.stop();
  app.closeAllConnections();
  app.close();
});

test("an event that is not acknowledged is sent again, and says so", async () => {
  statuses = [500];

  await slack.person("U0ENGINEER").openHome();

  expect(heard.map((headers) => headers["x-slack-retry-num"])).toEqual([undefined, "1"]);
  expect(heard[1]?.["x-slack-retry-reason"]).toBe("http_error");
});

test("an event that is acknowledged is sent once", async () => {
  await slack.person("U0ENGINEER").openHome();

  expect(heard).toHaveLength(1);
});

test("a command is never sent again", async () => {
  statuses = [500];

  await slack.person("U0ENGINEER").command("/eks-access help");

  expect(heard).toHaveLength(1);
});
