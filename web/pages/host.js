/** The host's desk: `/host/{show}`. */

import "../elements/host-page.js";
import { publishStats } from "../store/stats.js";

publishStats();
