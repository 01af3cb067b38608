//! runc's state directories, the exec FIFO, bundles and shims
