import fc from "fast-check";

/** One request to the receiver, before it is signed. */
export interface Letter {
  readonly contentType: string;
  readonly body: string;
}

type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** What has broken programs before: as text, and as a value where a text or a list was meant. */
const texts = [
  ...["", " ", "null", "undefined", "NaN", "-1", "1e309", "__proto__", "constructor", "toString", "hasOwnProperty"],
  ...["<!channel>", "<@U0ENGINEER>", "*bold* `code` ```", "&lt;script&gt;", "{{SessionName}}", "$(id)", "%00%ff"],
  ...["\u0000", "\u202e", "\ud800", "💥".repeat(500), "a".repeat(40_000), "\n".repeat(3_000), "../../etc/passwd"],
  ...["' OR '1'='1", "\r\nX-Injected: 1", "arn:aws:iam::111122223333:role/../admin", `arn:${"a:".repeat(2_000)}`],
  ...["r-1", "r-1 ", "r-1\u200b", "{eks-access}:record:r-1", "*", "EVAL 'return 1' 0"],
];
const hostileText = fc.constantFrom(...texts);
const hostile: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom<Value>(null, true, 0, -1, 2 ** 53, [], {}, [[]], { type: null }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Value> },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map(nested) },
);

function nested(depth: number): Value {
  let value: Value = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { value };
  return value;
}

const stranger = { id: "U0STRANGER", username: "stranger", name: "stranger", team_id: "T0SANDBOX" };

function payloads(team: string, answersAt: string): Value[] {
  const common = {
    team: { id: team, domain: "sandbox" },
    user: { ...stranger, team_id: team },
    api_app_id: "A0SANDBOX",
    token: "verification",
    trigger_id: "1.2.abc",
  };
  const action = (action_id: string, value: string) => ({
    ...common,
    type: "block_actions",
    response_url: answersAt,
    channel: { id: "C0ACCESS", name: "access" },
    container: { type: "message", message_ts: "1.2", channel_id: "C0ACCESS", is_ephemeral: false },
    message: { ts: "1.2", text: "", blocks: [] },
    actions: [{ type: "button", action_id, block_id: "b", value, action_ts: "1.2" }],
  });
  const view = (callback_id: string, private_metadata: string) => ({
    ...common,
    type: "view_submission",
    view: { id: "V1", type: "modal", callback_id, private_metadata, hash: "1.a", state: { values: {} }, blocks: [] },
  });
  const click = JSON.stringify({ request: "r-1", digest: "d".repeat(64) });
  return [
    ...[
      "approve",
      "deny",
      "details",
      "revoke",
      "extend",
      "done",
      "cancel",
      "list-next",
      "ask-again",
      "reviewed",
    ].flatMap((name) => [action(name, click), action(name, "r-1")]),
    ...["request", "deny", "revoke"].map((name) => view(name, click)),
    { ...view("request", ""), type: "view_closed" },
    { ...common, type: "block_suggestion", action_id: "cluster", block_id: "b", value: "s", view: null },
    { ...common, type: "shortcut", callback_id: "ask", action_ts: "1.2" },
    {
      token: "verification",
      team_id: team,
      api_app_id: "A0SANDBOX",
      type: "event_callback",
      event_id: "Ev1",
      event_time: 1,
      event: { type: "app_home_opened", user: stranger.id, channel: "D1", tab: "home", event_ts: "1.2" },
    },
    { type: "url_verification", token: "verification", challenge: "c" },
  ];
}

/** Lines that change nothing when this stranger sends them, each of another command. */
const lines = [
  ...["", "help", "whoami", "list", "list pending", "status r-1", "approve r-1", "deny r-1 no", "cancel r-1"],
  ...["revoke r-1 now", "extend r-1 2h", "request staging", "request staging not-an-arn viewer for 4h x", "frobnicate"],
];

/** A form or a JSON text of Slack with up to three of its values replaced, removed or moved. */
export function letters(team: string, answersAt: string): fc.Arbitrary<Letter> {
  const command = fc
    .record({ line: fc.oneof(fc.constantFrom(...lines), hostileText), field: hostileText, extra: hostileText })
    .map(({ line, field, extra }) => ({
      command: "/eks-access",
      text: line,
      team_id: team,
      user_id: stranger.id,
      user_name: field,
      channel_id: "C0ACCESS",
      channel_name: extra,
      trigger_id: extra,
      response_url: answersAt,
    }));
  const mutated = fc.constantFrom(...payloads(team, answersAt)).chain((payload) => mutations(payload));
  return fc.oneof(
    command.map((fields) => form(fields)),
    mutated.map((payload) => form({ payload: JSON.stringify(payload) })),
    mutated.map((payload) => ({ contentType: "application/json", body: JSON.stringify(payload) })),
    fc.string({ maxLength: 200 }).map((body) => ({ contentType: "application/json", body })),
    fc.string({ maxLength: 200 }).map((body) => ({ contentType: "application/x-www-form-urlencoded", body })),
    hostileText.map((text) => form({ payload: text })),
  );
}

function form(fields: Readonly<Record<string, string>>): Letter {
  return { contentType: "application/x-www-form-urlencoded", body: new URLSearchParams(fields).toString() };
}

function mutations(payload: Value): fc.Arbitrary<Value> {
  const step = fc.record({ at: fc.nat(), by: fc.option(hostile, { nil: undefined }) });
  return fc.array(step, { maxLength: 3 }).map((steps) =>
    steps.reduce<Value>((value, { at, by }) => {
      const paths = pathsOf(value);
      const path = paths[at % Math.max(paths.length, 1)];
      return path ? replaced(value, path, by) : value;
    }, payload),
  );
}

function pathsOf(value: Value, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null || path.length > 8) return [];
  return Object.entries(value).flatMap(([key, item]) => [[...path, key], ...pathsOf(item, [...path, key])]);
}

/** The same value with the part at a path replaced; undefined: removed. */
function replaced(value: Value, [key = "", ...rest]: readonly string[], by: Value | undefined): Value {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, item]): [string, Value][] => {
    if (name !== key) return [[name, item]];
    if (rest.length > 0) return [[name, replaced(item, rest, by)]];
    return by === undefined ? [] : [[name, by]];
  });
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}
