/** Figures as text: durations, rates, bytes, ratios, and numbers with their units. */

/** Nanoseconds in the unit that fits. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`
  return ns < 1e9 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toPrecision(3)} s`
}

/** A number with spaces between its thousands. */
export function thousands(value: number): string {
  if (value < 100) return value.toFixed(1)
  return Math.round(value).toLocaleString('en').replaceAll(',', ' ')
}

/** How many a second, of what takes so many nanoseconds. */
export function rate(ns: number): string {
  const per_second = 1e9 / ns
  return per_second >= 1e6 ? `${(per_second / 1e6).toPrecision(3)} M/s`
    : `${thousands(per_second)}/s`
}

/** Bytes by 1024. */
export function size(bytes: number): string {
  if (Math.abs(bytes) < 1024) return `${Number(bytes.toFixed(1))} B`
  return Math.abs(bytes) < 2 ** 20 ? `${(bytes / 1024).toPrecision(3)} KiB`
    : `${(bytes / 2 ** 20).toPrecision(3)} MiB`
}

/** A ratio with two digits behind the point, or one from ten on. */
export function ratio(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)}×`
}

/** A number with its unit; times (`ns`) and sizes (`B`) in the unit that fits. */
export function withUnit(value: number, unit: string): string {
  if (unit === 'ns') return duration(value)
  if (unit === 'B') return size(value)
  const number = Math.abs(value) >= 1000 ? thousands(value)
    : `${Number(value.toPrecision(3))}`
  if (unit === '') return number
  return value === 1 && unit.length > 1 ? `1 ${unit.replace(/s$/, '')}` : `${number} ${unit}`
}
