/**
 * Loaded into every thread of a gateway by `--import`: how long each one's event loop stood still, told when the bench asks.
 *
 * Two figures a thread. On the clock: what somebody waits, other processes' turns on a busy machine included. By processor
 * time of the thread itself, from one look to the next: what the gateway did, whatever else the machine was at.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';

export interface Still {
  readonly thread: 'main' | 'session' | 'store';
  /** Milliseconds. */
  readonly clock: number;
  readonly cpu: number;
}

const RESOLUTION = 1; // ms between looks

const channel = new BroadcastChannel('loop-watch');
channel.unref();
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
histogram.enable();
let cpu = 0;
let last = process.threadCpuUsage();
const look = (): void => {
  const now = process.threadCpuUsage();
  cpu = Math.max(cpu, now.user + now.system - last.user - last.system);
  last = now;
};
setInterval(look, RESOLUTION).unref();

/** Since it was last asked. */
function still(): Still {
  look();
  const clock = histogram.count === 0 ? 0 : Math.max(0, histogram.max / 1e6 - RESOLUTION);
  const told = { thread: threadName(), clock, cpu: cpu / 1000 };
  histogram.reset();
  cpu = 0;
  return told;
}

function threadName(): Still['thread'] {
  if (isMainThread) return 'main';
  return typeof workerData === 'object' && workerData !== null && 'crowd' in workerData ? 'session' : 'store';
}

if (isMainThread) {
  process.on('message', () => {
    channel.postMessage('tell');
    process.send!(still());
  });
  process.channel?.unref();
  channel.onmessage = ({ data }) => void process.send!(data);
} else {
  channel.onmessage = ({ data }) => {
    if (data === 'tell') channel.postMessage(still());
  };
}
