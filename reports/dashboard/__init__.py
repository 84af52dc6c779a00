"""The dashboard: pages over the published snapshot, made on this machine and asking nothing of any other."""
