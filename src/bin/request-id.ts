import { randomBytes } from "node:crypto";

/** Letters and digits that are not taken for one another when somebody reads an id aloud. */
const alphabet = "23456789abcdefghjkmnpqrstuvwxyz";

/** A new request's id, for example `r-7k2m9x4q`: 31^8, some 850 milliards. */
export function newRequestId(): string {
  const letters = [...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]);
  return `r-${letters.join("")}`;
}
