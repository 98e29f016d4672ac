import { request } from "../ask/request.ts";
import { approve } from "../decide/approve.ts";
import { deny } from "../decide/deny.ts";
import { breakGlassCommand } from "../emergency/break-glass-command.ts";
import { reviewed } from "../emergency/reviewed.ts";
import { cancel } from "../lease/cancel.ts";
import { extend } from "../lease/extend.ts";
import { revoke } from "../lease/revoke.ts";
import { link } from "../link/link.ts";
import { check } from "../look/check.ts";
import { clusters } from "../look/clusters.ts";
import { creator } from "../look/creator.ts";
import { help } from "../look/help.ts";
import { list } from "../look/list.ts";
import { status } from "../look/status.ts";
import { whoami } from "../look/whoami.ts";
import { why } from "../look/why.ts";
import { migrate } from "../migrate/migrate.ts";
import type { Command } from "./command.ts";

/** Every word of `/eks-access`, in the order of the help. A new word is a file of its own and a line here. */
export const commands: readonly Command[] = [
  request,
  list,
  status,
  approve,
  deny,
  extend,
  revoke,
  cancel,
  breakGlassCommand,
  reviewed,
  link,
  whoami,
  why,
  clusters,
  check,
  migrate,
  creator,
  help,
];
