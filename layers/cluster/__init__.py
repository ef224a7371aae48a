"""The private PostGIS that runs when no database is configured."""

from layers.cluster.private import SERVICE_ROLE, PrivateCluster, scratch_cluster

__all__ = ["SERVICE_ROLE", "PrivateCluster", "scratch_cluster"]
