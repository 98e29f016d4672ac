import { expect, test } from "vitest";
import { refusalOf } from "../../../sandbox/page/server.ts";

const own = { host: "127.0.0.1:4477" };
const origin = "http://127.0.0.1:4477";
const asked = (method: string, headers: Record<string, string>) => refusalOf({ method, headers }, 4477);

test.each([
  ["the page itself", "GET", own],
  ["by its other name", "GET", { host: "localhost:4477" }],
  ["an address that somebody types", "GET", { ...own, "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }],
  ["a link on another site", "GET", { ...own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
  ["an act of the page", "POST", { ...own, origin }],
])("%s gets in", (_, method, headers) => {
  expect(asked(method, headers)).toBeUndefined();
});

test.each([
  ["a name that leads here by DNS rebinding", "GET", { host: "evil.example:4477" }],
  ["that name with an Origin of its own", "POST", { host: "evil.example:4477", origin: "http://evil.example:4477" }],
  ["no Host", "GET", {}],
  ["another port's Host", "GET", { host: "127.0.0.1:80" }],
  ["another site's script", "GET", { ...own, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ["another site's form", "POST", { ...own, origin: "https://evil.example" }],
  ["a form of a file or of a sandboxed frame", "POST", { ...own, origin: "null" }],
  ["an act without an Origin", "POST", own],
  ["another page of this machine", "POST", { ...own, origin: "http://127.0.0.1:3000" }],
])("%s is refused", (_, method, headers) => {
  expect(asked(method, headers)).toBeTypeOf("string");
});
