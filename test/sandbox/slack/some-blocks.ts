/** Blocks that Slack takes, untyped on purpose: the tests break them. */

export const plain = (text: string) => ({ type: "plain_text", text });

export const mrkdwn = (text: string) => ({ type: "mrkdwn", text });

/** A text of this many characters. */
export const x = (count: number) => "x".repeat(count);

export const many = (count: number, make: (n: number) => object) => Array.from({ length: count }, (_, n) => make(n));

export const options = (count: number) => many(count, (n) => ({ text: plain(`o${n}`), value: `${n}` }));

export const button = (more: object = {}) => ({ type: "button", text: plain("Go"), action_id: "go", ...more });

export const actions = (...elements: readonly object[]) => ({ type: "actions", elements });

export const section = (more: object = {}) => ({ type: "section", text: mrkdwn("x"), ...more });

export const input = (element: object, more: object = {}) => ({
  type: "input",
  label: plain("Label"),
  element,
  ...more,
});

export const typed = (more: object = {}) => ({ type: "plain_text_input", action_id: "a", ...more });

export const menu = (more: object = {}) => ({ type: "static_select", action_id: "a", options: options(1), ...more });

export const confirm = (more: object = {}) => ({
  title: plain("Sure?"),
  text: mrkdwn("x"),
  confirm: plain("Yes"),
  deny: plain("No"),
  ...more,
});
