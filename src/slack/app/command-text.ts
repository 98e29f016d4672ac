import { withoutInvisible } from "../blocks/mrkdwn.ts";

/** What a person typed behind `/eks-access`, without Slack's escapes. */
export interface CommandText {
  readonly text: string;
  /** Slack user ids by the names in the text, for example `@bob`. Empty with `should_escape: false`: Slack then sends names alone. */
  readonly people: ReadonlyMap<string, string>;
}

/** `<@U012|bob>`, `<#C012|ops>`, `<!subteam^S012|@sre>`, `<https://a.test|a.test>`: https://docs.slack.dev/messaging/formatting-message-text */
const reference = /<(@[UW][A-Z0-9]+|#C[A-Z0-9]+|![a-z]+(?:\^[A-Z0-9]+)?|(?:https?|mailto|tel):[^|>]*)(?:\|([^>]*))?>/g;

/** The text of a command as the person wrote it. Slack escapes what they type as `&`, `<` and `>`, so a reference is its own. */
export function readCommandText(sent: string): CommandText {
  const people = new Map<string, string>();
  const text = sent.replaceAll(reference, (_, what: string, label = "") => {
    if (!what.startsWith("@")) return nameOf(what, label);
    const [user, name] = [what.slice(1), `@${label.trim().replaceAll(/\s+/g, "-") || what.slice(1)}`];
    const unique = (people.get(name) ?? user) === user ? name : `@${user}`;
    people.set(unique, user);
    return unique;
  });
  return { text: withoutInvisible(unescapeText(text)).trim(), people };
}

function nameOf(what: string, label: string): string {
  if (what.startsWith("#")) return `#${label || what.slice(1)}`;
  return label || what.replace(/^!(.*\^)?/, "@");
}

function unescapeText(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
