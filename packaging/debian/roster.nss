# Right after the local files, which so always win.
passwd after=files roster
group after=files roster
