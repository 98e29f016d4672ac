import type { WebClient } from "@slack/web-api";
import { explain } from "../../access/failure/access-error.ts";
import { broken, type Finding, found, named } from "../../diagnosis/link.ts";
import { slackFailure } from "./slack-failure.ts";

/** What the bot has to be allowed, as manifest.yml asks for it. */
export const neededScopes = ["commands", "chat:write", "usergroups:read", "users:read", "users:read.email"] as const;

/** Whose token it is, and whether the app was installed with every scope of manifest.yml. */
export async function examineSlack(client: WebClient): Promise<readonly Finding[]> {
  try {
    const { team, user, response_metadata: metadata } = await client.auth.test();
    const missing = neededScopes.filter((scope) => !metadata?.scopes?.includes(scope));
    return [
      found(`the token is of ${named(user ?? "")} in ${named(team ?? "")}`),
      missing.length === 0
        ? found("the app has every scope that it needs")
        : broken(
            `the app lacks ${missing.map(named).join(", ")}`,
            "Add them as in manifest.yml under OAuth & Permissions, and install the app again.",
          ),
    ];
  } catch (error) {
    return [broken("Slack was asked who the token is", explain(slackFailure(error, "Slack")))];
  }
}
