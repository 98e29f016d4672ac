import { z } from "zod";
import { observed } from "../metrics/calls.ts";

const answer = z.object({ ok: z.boolean(), error: z.string().optional() });

/** `fetch` for Slack's Web API, where the last part of the address is the method, and a refusal is a 200. */
export const observedFetch: typeof fetch = async (input, init) => {
  const operation = new URL(input instanceof Request ? input.url : input).pathname.split("/").at(-1) ?? "";
  let result = "ok";
  return observed(
    { service: "slack", operation },
    async () => {
      const response = await fetch(input, init);
      result = await resultOf(response);
      return response;
    },
    () => result,
  );
};

async function resultOf(response: Response): Promise<string> {
  if (response.status !== 200) return String(response.status);
  const read = answer.safeParse(
    await response
      .clone()
      .json()
      .catch(() => null),
  );
  if (!read.success) return "unreadable";
  return read.data.ok ? "ok" : (read.data.error ?? "unknown");
}
