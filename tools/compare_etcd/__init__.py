"""What tools/compare-etcd is made of: etcd and raft-actor under the same work, side by side."""
