import type { AllMiddlewareArgs, SlackEventMiddlewareArgs } from "@slack/bolt";
import { explain } from "../../access/failure/access-error.ts";
import type { SlackContext } from "../app/context.ts";
import { told } from "../blocks/mrkdwn.ts";
import { publishHome } from "./publish-home.ts";
import { unknownHomeView } from "./unknown-home-view.ts";

export type HomeOpened = SlackEventMiddlewareArgs<"app_home_opened"> & AllMiddlewareArgs;

/** Somebody opened the App Home: it is brought up to date, and from now on whenever something changes. */
export async function handleHomeOpened(context: SlackContext, { event, client }: HomeOpened): Promise<void> {
  if (event.tab !== "home") return;
  const { user } = event;
  try {
    await publishHome({ ...context, client }, user, hashOf(event.view));
  } catch (error) {
    context.log.error({ err: error, user }, "an App Home could not be shown");
    await client.views.publish({ user_id: user, view: unknownHomeView(told(explain(error))) }).catch(() => {});
  }
}

/** Slack sends it, and Bolt's types do not know it: https://docs.slack.dev/reference/events/app_home_opened */
function hashOf(view: HomeOpened["event"]["view"]): string | undefined {
  return view && "hash" in view && typeof view.hash === "string" ? view.hash : undefined;
}
