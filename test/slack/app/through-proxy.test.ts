import { expect, test } from "vitest";
import { isExcepted } from "../../../src/slack/app/web-client.ts";

const at = (hostname: string, port = "443") => ({ hostname, port });

test.each([
  ["slack.com", at("slack.com")],
  ["slack.com", at("wss-primary.slack.com")],
  [".slack.com", at("hooks.slack.com")],
  ["*.slack.com", at("hooks.slack.com")],
  ["localhost, SLACK.com", at("slack.COM")],
  ["10.0.0.1 slack.com:443", at("slack.com")],
  ["*", at("slack.com")],
])("NO_PROXY %j excepts %o", (noProxy, place) => {
  expect(isExcepted(noProxy, place)).toBe(true);
});

test.each([
  ["", at("slack.com")],
  [",", at("slack.com")],
  ["slack.com", at("notslack.com")],
  ["slack.com", at("slack.com.example.com")],
  ["slack.com:8443", at("slack.com")],
  ["hooks.slack.com", at("slack.com")],
])("NO_PROXY %j does not except %o", (noProxy, place) => {
  expect(isExcepted(noProxy, place)).toBe(false);
});
