"""Which sources overlap, and how they are shared out among patches.

Two sources overlap where their circles of influence do; sources that a chain of overlaps joins are a group ("friends of friends"). On the sky, distances are
chords between unit vectors, so that nothing happens at RA = 0 or at the poles; a chord of a degree is 0.05 arcsec short of its arc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.intp]

ARCSEC_PER_RADIAN = 180.0 * 3600.0 / np.pi


class Links(NamedTuple):
    """Pairs of sources that overlap, each once; `first` < `second`."""

    first: Places
    second: Places

    def groups(self, count: int) -> NDArray[np.int32]:
        """Number of the group of each of so many sources (count,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        graph = coo_array((np.ones(len(self.first), bool), (self.first, self.second)), (count, count))
        labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
        return labels

    def among(self, chosen: NDArray[np.bool_]) -> Links:
        """The pairs of which both are chosen."""
        both = chosen[self.first] & chosen[self.second]
        return Links(self.first[both], self.second[both])

    def neighbours(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Sources that overlap with a chosen one, and are none themselves."""
        near = np.zeros(len(chosen), bool)
        near[self.second[chosen[self.first]]] = True
        near[self.first[chosen[self.second]]] = True
        return near & ~chosen


def points_of(ra: Numbers, dec: Numbers, *, sky: bool) -> Numbers:
    """Points whose distances are those of the sources (n, 3) [arcsec], or (n, 2) [px]; `ra` and `dec` are x and y where there is no sky."""
    if not sky:
        return np.stack([ra, dec], axis=-1)
    east, north = np.deg2rad(ra), np.deg2rad(dec)
    unit = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)
    return unit * ARCSEC_PER_RADIAN


def overlaps(points: Numbers, reach: Numbers) -> Links:
    """Pairs of points that are nearer than the sum of what they reach (n,).

    Points are looked up by octaves of their reach, so that one large source does not make every search large.
    """
    from scipy.spatial import cKDTree

    octave = np.floor(np.log2(reach))
    members = [np.flatnonzero(octave == each) for each in np.unique(octave)]
    trees = [(cKDTree(points[places]), places, float(reach[places].max())) for places in members]
    found = [np.empty((2, 0), np.intp)]
    for number, (tree, here, far) in enumerate(trees):
        for other, there, farther in trees[number:]:
            near = tree.sparse_distance_matrix(other, far + farther, output_type="ndarray")
            pair = np.stack([here[near["i"]], there[near["j"]]])
            once = (pair[0] != pair[1]) if other is not tree else (pair[0] < pair[1])
            found.append(pair[:, once & (near["v"] < reach[pair[0]] + reach[pair[1]])])
    first, second = np.sort(np.concatenate(found, axis=1), axis=0)
    return Links(first, second)


def share_out(
    points: Numbers,
    reach: Numbers,
    links: Links,
    *,
    free: NDArray[np.bool_],
    order: Places,
    most: int,
) -> NDArray[np.int32]:
    """Patch of each source (n,), -1 where it is in none.

    Sources are taken as seeds in the given order. The patch of a seed is its whole group, where that has `most` sources or fewer. A larger group is split:
    the nearest of its sources that are in no patch yet come to the seed, until there are `most`, less those that no chain of overlaps within the patch joins
    to the seed.

    Parameters
    ----------
    points, reach : array (n, 2 or 3), (n,)
        As in `overlaps`.
    links : Links
        Which overlap.
    free : array (n,) of bool
        Sources that shall be in a patch; others join no group.
    order : array (n,) of int
        Seeds, in their order.
    most : int
        Sources of a patch.
    """
    patch = np.full(len(points), -1, np.int32)
    groups = _Groups(points, links.among(free).groups(len(points)))
    count = 0
    for seed in order[free[order]].tolist():
        if patch[seed] >= 0:
            continue
        members = groups.of(seed)
        if len(members) > most:
            members = groups.nearest(seed, patch < 0, most)
            members = members[_joined_to_first(points[members], reach[members])]
        patch[members] = count
        count += 1
    return patch


class _Groups:
    """Members of groups, and a tree of each that was searched."""

    def __init__(self, points: Numbers, label: NDArray[np.int32]) -> None:
        self.points, self.label = points, label
        self.trees: dict[int, Any] = {}
        self.sorted = np.argsort(label, kind="stable")
        self.starts = np.searchsorted(label[self.sorted], np.arange(label.max(initial=-1) + 2))

    def of(self, source: int) -> Places:
        """The group of a source."""
        label = self.label[source]
        members: Places = self.sorted[self.starts[label] : self.starts[label + 1]]
        return members

    def nearest(self, seed: int, free: NDArray[np.bool_], most: int) -> Places:
        """The nearest free sources of the group of a seed, itself first."""
        from scipy.spatial import cKDTree

        group, label = self.of(seed), int(self.label[seed])
        if label not in self.trees:
            self.trees[label] = cKDTree(self.points[group])
        looked_at = 2 * most
        while True:
            near = group[self.trees[label].query(self.points[seed], min(looked_at, len(group)))[1]]
            near = near[free[near]]
            if len(near) >= most or looked_at >= len(group):
                nearest: Places = near[:most]
                return nearest
            looked_at *= 4


def _joined_to_first(points: Numbers, reach: Numbers) -> NDArray[np.bool_]:
    """Which of a few sources a chain of overlaps joins to the first."""
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial.distance import cdist

    label = connected_components(cdist(points, points) < reach[:, None] + reach, directed=False)[1]
    joined: NDArray[np.bool_] = label == label[0]
    return joined
