import type { JsonObject } from "../../json.ts";
import type { Inputs } from "../../slack/inputs.ts";
import type { SandboxChannel, SandboxUser } from "../../slack/shapes.ts";

/** Who looks, and what is known about the names in what they see. */
export interface Reader {
  readonly user: SandboxUser;
  readonly people: readonly SandboxUser[];
  readonly channels: readonly SandboxChannel[];
  readonly now: Date;
}

/** The message or view around blocks: the target of their clicks, and the values of their inputs. */
export interface Surface {
  readonly reader: Reader;
  /** Unique on the page; begins the ids of what is in it. */
  readonly id: string;
  /** The fields that tell the server which message or view it is. */
  readonly address: Readonly<Record<string, string>>;
  readonly inputs: Inputs;
  /** The mistake in an input, by block_id. */
  readonly errors: Readonly<Record<string, string>>;
  /** The id of the form that the inputs belong to, in a modal. */
  readonly form?: string;
}

/** An element in its block, in its surface. */
export interface Placed {
  readonly surface: Surface;
  readonly blockId: string;
  readonly element: JsonObject;
}

/** An id for an element of the page, of letters that need no escape in a selector. */
export function idOf(surface: Surface, ...parts: readonly string[]): string {
  return [surface.id, ...parts].join("-").replace(/[^\w-]/g, "_");
}
