import { type ScalarNode, YAML_TAG } from "./go-yaml/node.ts";

/** What the core schema of YAML 1.2 takes for null, a boolean or a number. Source: YAML 1.2.2, section 10.3.2. */
const CORE =
  /^(?:|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

/** Whether readers of YAML 1.2 take a plain scalar for text. */
export function isTextTo12(plain: string): boolean {
  return !CORE.test(plain);
}

/**
 * What readers of YAML 1.2 see where the authenticator sees a text, as the end of a sentence; null where they see the
 * same. `raw` is the scalar as it is written.
 */
export function seenBy12({ tag, style, value }: ScalarNode, raw: string): string | null {
  if (tag === `${YAML_TAG}binary`) return "see its base64 form, and not what that stands for";
  if (style === "double") return hasOldEscape(raw) ? "know no escape \\'" : null;
  if (style !== "plain") return null;
  // Both stand within flow collections only: in block context they would be the end of a key and the dash of an item.
  if (value.endsWith(":") || value === "-") return "see no text there";
  return tag !== "" || isTextTo12(value) ? null : "see a number there";
}

/** `\'`, which go-yaml takes within double quotes. */
function hasOldEscape(raw: string): boolean {
  return raw.includes("\\'") && raw.replaceAll(/\\[^']/g, "").includes("\\'");
}
