import { approve } from "./approve.ts";
import { breakGlassCommand } from "./break-glass.ts";
import { cancel } from "./cancel.ts";
import { check } from "./check.ts";
import { clusters } from "./clusters.ts";
import type { Command } from "./command.ts";
import { creator } from "./creator.ts";
import { deny } from "./deny.ts";
import { extend } from "./extend.ts";
import { help } from "./help.ts";
import { link } from "./link.ts";
import { list } from "./list.ts";
import { migrate } from "./migrate.ts";
import { request } from "./request.ts";
import { reviewed } from "./reviewed.ts";
import { revoke } from "./revoke.ts";
import { status } from "./status.ts";
import { whoami } from "./whoami.ts";
import { why } from "./why.ts";

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
