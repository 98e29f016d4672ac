import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { z } from "zod";
import { botScopes } from "../sandbox/scene.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What each Web API method needs of a bot (the method's page at docs.slack.dev). Views need no scope. */
const scopesOf: Readonly<Record<string, readonly string[]>> = {
  "chat.postMessage": ["chat:write"],
  "chat.postEphemeral": ["chat:write"],
  "chat.update": ["chat:write"],
  "chat.delete": ["chat:write"],
  "chat.getPermalink": [],
  "auth.test": [],
  "views.open": [],
  "views.push": [],
  "views.update": [],
  "views.publish": [],
  "conversations.open": ["im:write"],
  "conversations.info": ["channels:read"],
  "users.info": ["users:read", "users:read.email"],
  "users.list": ["users:read"],
  "usergroups.list": ["usergroups:read"],
  "usergroups.users.list": ["usergroups:read"],
};

const manifest = z
  .object({
    features: z.object({
      app_home: z.object({ home_tab_enabled: z.boolean(), messages_tab_enabled: z.boolean() }),
      slash_commands: z.array(z.object({ command: z.string(), url: z.string(), should_escape: z.boolean() })),
    }),
    oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
    settings: z.object({
      interactivity: z.object({
        is_enabled: z.boolean(),
        request_url: z.string(),
        message_menu_options_url: z.string(),
      }),
      event_subscriptions: z.object({ request_url: z.string(), bot_events: z.array(z.string()) }),
    }),
  })
  .parse(load(readFileSync(join(root, "manifest.yml"), "utf8")));

const slackCode = readdirSync(join(root, "src/slack"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(join(root, "src/slack", path), "utf8"))
  .join("\n");

function found(pattern: RegExp): string[] {
  return [...new Set([...slackCode.matchAll(pattern)].map(([, name = ""]) => name))].sort();
}

const methods = found(/\bclient\.([a-zA-Z]+(?:\.[a-zA-Z]+)+)\(/g);

test("the app asks for exactly the scopes that the code's calls need", () => {
  const needed = new Set(["commands", ...methods.flatMap((method) => scopesOf[method] ?? [`unknown: ${method}`])]);

  expect([...manifest.oauth_config.scopes.bot].sort()).toEqual([...needed].sort());
});

test("the sandbox's workspace grants exactly the same scopes", () => {
  expect([...botScopes].sort()).toEqual([...manifest.oauth_config.scopes.bot].sort());
});

test("the app has exactly the slash commands and events that the code handles", () => {
  expect(manifest.features.slash_commands.map((each) => each.command)).toEqual(
    found(/\.command\.command === "([^"]+)"/g),
  );
  expect(manifest.settings.event_subscriptions.bot_events).toEqual(found(/\.event\.type === "([^"]+)"/g));
});

test("what App Home and the direct messages need is switched on", () => {
  expect(manifest.features.app_home).toEqual({ home_tab_enabled: true, messages_tab_enabled: true });
});

test("commands, clicks and events go to the one address at which the code listens", () => {
  const [path] = found(/^const path = "([^"]+)";/gm);

  const urls = [
    ...manifest.features.slash_commands.map((each) => each.url),
    manifest.settings.interactivity.request_url,
    manifest.settings.interactivity.message_menu_options_url,
    manifest.settings.event_subscriptions.request_url,
  ];
  expect(urls.map((url) => new URL(url).pathname)).toEqual(urls.map(() => path));
  expect(manifest.settings.interactivity.is_enabled).toBe(true);
});

test("names of people in a command arrive with their ids, which `for @bob` needs", () => {
  expect(manifest.features.slash_commands.map((command) => command.should_escape)).toEqual([true]);
});
