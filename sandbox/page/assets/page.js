// Keeps the page's regions as the server draws them, and sends what people do.
import { startActs } from "./acts.js";
import { startDialogs } from "./dialogs.js";
import { startLive } from "./live.js";
import { startTour } from "./tour.js";

startDialogs();
startActs();
startLive();
startTour();
