"""The private PostGIS that runs when no database is configured."""

from layers.cluster.private import PrivateCluster, scratch_cluster

__all__ = ["PrivateCluster", "scratch_cluster"]
