/**
 * What is to be reached, and whether it was: one row of the table for each goal.
 *
 * Lives here: judging figures. Does not live here: how they come about (timing.ts), how the table
 * looks (table.ts).
 *
 * Invariant: a goal without a figure of ours, or without any of those beside it, is not met and not
 * missed: it says what is missing.
 */
import type { Figure } from './timing.ts'
import { duration, rate, ratio, withUnit } from './units.ts'

/** A bound for one contender of a work. Exactly one of the four bounds is given. */
export interface Goal {
  /** How the row is called; by default as the work. */
  row?: string
  /** The contender that it is about. */
  ours: string
  /** Contenders that it is compared with. */
  beside?: string[]
  /** Compared with as well: what was measured at another time. */
  reference?: { name: string, ns: number }
  /** Shown in the row, and not judged. */
  shown?: string[]
  /** As in the table: what is wanted. */
  target: string
  /** At least so many times as fast as the fastest of `beside`. */
  speed_least?: number
  /** At most so many times the time of the fastest of `beside`. */
  time_most?: number
  /** At most so many nanoseconds. */
  most_ns?: number
  /** Another bound that depends on other figures: nanoseconds at most. */
  bound_ns?(figures: readonly Figure[]): number | undefined
  /** Rates are shown, and not times. */
  as_rate?: boolean
}

/** Something that is counted or weighed, not timed in rounds. */
export interface Fact {
  work: string
  name: string
  value: number
  /** `B` and `ns` are shown in the unit that fits. */
  unit: string
  target?: { text: string, most?: number, least?: number }
  /** Others, or what else to know, in words. */
  beside?: string
  note?: string
  /** In the place of a value. */
  failure?: string
  /** A curve that belongs to it: pairs of x and y. */
  curves?: Curve[]
}

/** What a plot draws as a line. */
export interface Curve { name: string, x: string, y: string, points: [number, number][] }

/** A row of the table. */
export interface Row {
  work: string
  ours: string
  beside: string
  ratio: string
  target: string
  met: 'met' | 'not met' | 'no figure' | ''
}

/** A work that is alone in its process has at least this part of a processor on a quiet machine. */
const QUIET = 0.8

/**
 * The rows of a work's goals. Where others took the processor away from a work that waits for
 * nobody, the clock would say how busy they were: then processor time is judged, and the row says
 * so.
 */
export function judge(goals: readonly Goal[], figures: readonly Figure[]): Row[] {
  const rows = goals.map((goal) => judgeOne(goal, undisturbed(figures)))
  return isDisturbed(figures)
    ? rows.map((row) => ({ ...row, ours: `${row.ours} of processor time` })) : rows
}

/** The figures of one work as they are judged: by the clock or by the processor. */
export function undisturbed(figures: readonly Figure[]): readonly Figure[] {
  return isDisturbed(figures) ? figures.map(byProcessor) : figures
}

function isDisturbed(figures: readonly Figure[]): boolean {
  return figures.some(({ alone, processor_ns, median_ns }) =>
    alone === true && processor_ns !== undefined && processor_ns < QUIET * median_ns)
}

function byProcessor(figure: Figure): Figure {
  const { processor_ns, processor_rounds_ns } = figure
  if (processor_ns === undefined || processor_rounds_ns === undefined) return figure
  return {
    ...figure, median_ns: processor_ns, least_ns: Math.min(...processor_rounds_ns),
    most_ns: Math.max(...processor_rounds_ns)
  }
}

function judgeOne(goal: Goal, figures: readonly Figure[]): Row {
  const find = (name: string) => figures.find(({ contender }) => contender === name)
  const ours = find(goal.ours)
  const others = (goal.beside ?? []).map(find).filter((one) => one !== undefined)
  const shown = (goal.shown ?? []).map(find).filter((one) => one !== undefined)
  const { reference } = goal
  const figure = (ns: number) => goal.as_rate === true ? rate(ns) : duration(ns)
  const shape = (one: Figure) => one.absent ?? fails(one) ?? figure(one.median_ns)
  const name = ({ contender, wrong }: Figure) =>
    wrong === undefined ? contender : `${contender} (not right)`
  // Rates the other way round: the longest round is the least rate.
  const spread = ({ least_ns, most_ns }: Figure) => goal.as_rate === true
    ? `${figure(most_ns)} … ${figure(least_ns)}` : `${figure(least_ns)} … ${figure(most_ns)}`
  const row: Row = {
    work: goal.row ?? figures[0]?.work ?? '',
    ours: ours === undefined ? 'not run'
      : isFigure(ours) ? `${shape(ours)} (${spread(ours)})` : shape(ours),
    beside: [
      ...reference === undefined ? [] : [`${reference.name} ${figure(reference.ns)}`],
      ...[...others, ...shown].map((one) => `${name(one)} ${shape(one)}`)
    ].join(' · '),
    ratio: '', target: goal.target, met: 'no figure'
  }
  if (ours === undefined || !isFigure(ours)) {
    if (ours?.failure !== undefined) row.met = 'not met'
    return row
  }
  const fastest = Math.min(reference?.ns ?? Infinity,
    ...others.filter(isFigure).map(({ median_ns }) => median_ns))
  const met = verdict(goal, ours.median_ns, fastest, figures)
  if (Number.isFinite(fastest)) {
    row.ratio = ratio(goal.speed_least === undefined
      ? ours.median_ns / fastest : fastest / ours.median_ns)
  }
  if (met !== undefined) row.met = met ? 'met' : 'not met'
  return row
}

const fails = ({ failure }: Figure) => failure === undefined ? undefined : 'fails'

const isFigure = ({ median_ns, failure, absent }: Figure) =>
  Number.isFinite(median_ns) && failure === undefined && absent === undefined

function verdict(
  goal: Goal, ours_ns: number, fastest_ns: number, figures: readonly Figure[]
): boolean | undefined {
  const { speed_least, time_most, most_ns } = goal
  if (speed_least !== undefined || time_most !== undefined) {
    if (!Number.isFinite(fastest_ns)) return undefined
    return speed_least !== undefined ? fastest_ns / ours_ns >= speed_least
      : ours_ns / fastest_ns <= time_most!
  }
  const bound_ns = most_ns ?? goal.bound_ns?.(figures)
  return bound_ns === undefined ? undefined : ours_ns <= bound_ns
}

/** The row of a fact. */
export function factRow({ work, name, value, unit, target, beside, failure }: Fact): Row {
  const row: Row = {
    work: name === '' ? work : `${work}: ${name}`,
    ours: failure ?? withUnit(value, unit),
    beside: beside ?? '', ratio: '', target: target?.text ?? '', met: ''
  }
  if (target === undefined) return row
  const { most, least } = target
  if (failure !== undefined || !Number.isFinite(value)) return { ...row, met: 'not met' }
  const inside = (most === undefined || value <= most) && (least === undefined || value >= least)
  return { ...row, met: inside ? 'met' : 'not met' }
}
