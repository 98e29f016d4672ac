import type { SocketMode } from "../socket-mode.ts";
import type { Methods } from "./method.ts";

/** @see https://docs.slack.dev/reference/methods/apps.connections.open */
export function socketModeMethods(sockets: SocketMode): Methods {
  return {
    "apps.connections.open": { limit: "tier 1", appToken: true, answer: () => ({ url: sockets.newUrl() }) },
  };
}
