/** A line through the heap after so many sessions: what each of them leaves behind. */
export interface HeapPoint {
  readonly sessions: number;
  readonly octets: number;
}

/** Octets a session, by least squares; 0 for fewer than two points. */
export function slopeOf(points: readonly HeapPoint[]): number {
  if (points.length < 2) return 0;
  const middle = mean(points.map(({ sessions }) => sessions));
  const level = mean(points.map(({ octets }) => octets));
  const together = points.reduce((sum, { sessions, octets }) => sum + (sessions - middle) * (octets - level), 0);
  return together / points.reduce((sum, { sessions }) => sum + (sessions - middle) ** 2, 0);
}

const mean = (all: readonly number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;
