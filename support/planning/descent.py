"""A good choice for factors between leaders and followers: leaders one by one, then each again while that helps."""

from collections.abc import Sequence

import numpy as np

from webdnn.support.planning.elimination import Factor, Table


def descend(sizes: Sequence[int], factors: Sequence[Factor], leaders: int, sweeps: int = 20) -> list[int]:
    """A choice (by position) for each variable; the first `leaders` variables decide, the others follow.

    Each factor has at most one leader and at most one follower. A leader takes what is cheapest when the followers
    answer, given the leaders before it, and is then asked again while something changes, at most `sweeps` times.
    Forbidden choices are taken where nothing else is left.
    """
    return _Descent(sizes, factors, leaders).run(sweeps)


class _Descent:
    """The cost of each choice of the leaders alone, of the followers so far, and of both together."""

    def __init__(self, sizes: Sequence[int], factors: Sequence[Factor], leaders: int) -> None:
        self.leaders = leaders
        finite = [float(np.where(np.isfinite(f.table), abs(f.table), 0).max(initial=0)) for f in factors]
        self.forbidden = 1.0 + 2.0 * sum(finite)  # dearer than anything allowed
        self.alone: list[Table] = [np.zeros(size) for size in sizes]
        self.joint: list[dict[int, Table]] = [{} for _ in range(leaders)]  # leader -> follower -> cost
        for scope, table in factors:
            cost = np.where(np.isfinite(table), table, self.forbidden)
            if len(scope) == 1:
                self.alone[scope[0]] = self.alone[scope[0]] + cost
            else:
                lead, follow = sorted(scope)
                cost = cost if scope == (lead, follow) else cost.T
                self.joint[lead][follow] = self.joint[lead].get(follow, 0) + cost
        self.heard = list(self.alone)  # of each follower, with what the leaders so far ask of it

    def best(self, lead: int) -> int:
        """The leader's cheapest choice, once its followers answer."""
        total = self.alone[lead]
        for follow, cost in self.joint[lead].items():
            total = total + (cost + self.heard[follow]).min(axis=1)
        return int(total.argmin())

    def ask(self, lead: int, choice: int, sign: int) -> None:
        for follow, cost in self.joint[lead].items():
            self.heard[follow] = self.heard[follow] + sign * cost[choice]

    def run(self, sweeps: int) -> list[int]:
        choice = [0] * self.leaders
        for lead in range(self.leaders):
            choice[lead] = self.best(lead)
            self.ask(lead, choice[lead], 1)
        for _ in range(sweeps):
            before = list(choice)
            for lead in range(self.leaders):
                self.ask(lead, choice[lead], -1)
                choice[lead] = self.best(lead)
                self.ask(lead, choice[lead], 1)
            if choice == before:
                break
        return choice + [int(cost.argmin()) for cost in self.heard[self.leaders :]]
