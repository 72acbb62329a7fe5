module keywright

go 1.24
